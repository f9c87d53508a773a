-- What e-mail adds: proven addresses, links and codes, mail to be sent; tenants with settings; known devices; the activity log.

-- Tenants are made on demand; their names are compared without case.
ALTER TABLE tenants
  ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  -- What the tenant makes stricter: {"minPasswordScore": 0-4, "approval": true}.
  ADD COLUMN settings jsonb NOT NULL DEFAULT '{}',
  DROP CONSTRAINT tenants_name_key;
CREATE UNIQUE INDEX tenants_name ON tenants (lower(name));

ALTER TABLE accounts
  -- Null: nobody has shown yet that mail to `email` reaches this person.
  ADD COLUMN email_verified_at timestamptz,
  ADD COLUMN second_factor boolean NOT NULL DEFAULT false,
  ADD COLUMN locale text NOT NULL DEFAULT 'en',
  ADD COLUMN preferences jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN last_login_at timestamptz;
-- A proven address belongs to one account of its tenant; an unproven one may stand in several.
CREATE UNIQUE INDEX accounts_verified_email ON accounts (tenant_id, lower(email)) WHERE email_verified_at IS NOT NULL;
CREATE INDEX accounts_email ON accounts (tenant_id, lower(email));
CREATE INDEX accounts_tenant ON accounts (tenant_id, number);

ALTER TABLE sessions
  -- How the person showed who they are (RFC 8176), for the claim `amr`.
  ADD COLUMN amr text[] NOT NULL DEFAULT '{pwd}';
CREATE INDEX sessions_live ON sessions (contract, expires_at) WHERE ended_at IS NULL;

-- Mailed links. The token in a link is derived from the row's id and a key, so that no column holds one.
CREATE TABLE verification_tokens (
  id uuid PRIMARY KEY,
  account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
  contract text NOT NULL,
  token_type text NOT NULL CHECK (token_type IN ('email_verification', 'password_reset')),
  -- The address that the link is mailed to, and proves.
  email text NOT NULL,
  -- For a change of address: the one before, which is told.
  previous_email text,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  revoked_at timestamptz
);
CREATE INDEX verification_tokens_account ON verification_tokens (account_id, token_type, created_at);
CREATE INDEX verification_tokens_email ON verification_tokens (lower(email), created_at);
CREATE INDEX verification_tokens_expiry ON verification_tokens (expires_at);

-- Sign-ins that wait for the second factor. The code is derived from the row's id and a key, the session token is hashed.
CREATE TABLE mfa_codes (
  id uuid PRIMARY KEY,
  account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
  contract text NOT NULL,
  session_token_hash bytea NOT NULL UNIQUE,
  -- The account's version when its password was right.
  version integer NOT NULL,
  -- The counter of failed sign-ins that too many wrong codes are counted against.
  counter bytea NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  revoked_at timestamptz
);
CREATE INDEX mfa_codes_account ON mfa_codes (account_id, contract) WHERE used_at IS NULL AND revoked_at IS NULL;
CREATE INDEX mfa_codes_expiry ON mfa_codes (expires_at);

-- Devices and networks that a sign-in of the account succeeded from; each has a counter of wrong passwords of its own.
CREATE TABLE known_devices (
  account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
  -- HMAC over the device or network: the table tells nobody where somebody signs in from.
  key bytea NOT NULL,
  seen_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (account_id, key)
);
CREATE INDEX known_devices_latest ON known_devices (account_id, seen_at DESC);
CREATE INDEX known_devices_age ON known_devices (seen_at);

ALTER TABLE sign_in_counters
  ADD COLUMN contract text,
  -- The account that the identifier has, if there is one: for statistics.
  ADD COLUMN account_id uuid;
CREATE INDEX sign_in_counters_account ON sign_in_counters (account_id) WHERE account_id IS NOT NULL;

-- Mail that waits to be sent, in the transaction of what it tells. It holds ids only; the worker derives links and codes again.
CREATE TABLE mail_jobs (
  id uuid PRIMARY KEY,
  account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
  contract text NOT NULL,
  kind text NOT NULL,
  -- The verification_tokens or mfa_codes row whose link or code it carries.
  challenge_id uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  attempts integer NOT NULL DEFAULT 0,
  due_at timestamptz NOT NULL DEFAULT now(),
  sent_at timestamptz,
  -- Set when it is given up: the dead letter.
  dead_at timestamptz,
  last_error text
);
CREATE INDEX mail_jobs_due ON mail_jobs (due_at) WHERE sent_at IS NULL AND dead_at IS NULL;
CREATE INDEX mail_jobs_sent ON mail_jobs (sent_at) WHERE sent_at IS NOT NULL;
CREATE INDEX mail_jobs_dead ON mail_jobs (dead_at) WHERE dead_at IS NOT NULL;
CREATE INDEX mail_jobs_account ON mail_jobs (account_id);

-- What happened with an account: written once, never changed, dropped by the month when it is 400 days old.
CREATE SEQUENCE activities_id;
CREATE TABLE activities (
  id bigint NOT NULL DEFAULT nextval('activities_id'),
  account_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  contract text NOT NULL,
  action text NOT NULL,
  details jsonb NOT NULL DEFAULT '{}',
  ip inet,
  user_agent text,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (created_at, id)
) PARTITION BY RANGE (created_at);
CREATE TABLE activities_default PARTITION OF activities DEFAULT;
CREATE INDEX activities_account ON activities (account_id, created_at DESC, id DESC);
CREATE INDEX activities_tenant ON activities (tenant_id, created_at DESC, id DESC);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the activity log is append-only';
END $$;
CREATE TRIGGER activities_append_only BEFORE UPDATE OR DELETE ON activities
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER activities_no_truncate BEFORE TRUNCATE ON activities
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Makes the partitions of this month and the two after it, and drops those that are over 400 days old.
CREATE FUNCTION keep_activity_partitions() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  first date;
  old regclass;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('keep_activity_partitions'));
  FOR ahead IN 0..2 LOOP
    first := date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead);
    -- Rows that came while nobody made partitions stay where they are: a partition for their month would be refused.
    IF to_regclass('activities_' || to_char(first, 'YYYY_MM')) IS NULL AND NOT EXISTS (
      SELECT 1 FROM activities_default
       WHERE created_at >= first::timestamp AT TIME ZONE 'UTC'
         AND created_at < (first + interval '1 month') AT TIME ZONE 'UTC') THEN
      EXECUTE format('CREATE TABLE %I PARTITION OF activities FOR VALUES FROM (%L) TO (%L)',
        'activities_' || to_char(first, 'YYYY_MM'), first::text || ' 00:00:00+00',
        (first + interval '1 month')::date::text || ' 00:00:00+00');
    END IF;
  END LOOP;
  FOR old IN
    SELECT inhrelid::regclass FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
     WHERE inhparent = 'activities'::regclass AND c.relname ~ '^activities_\d{4}_\d{2}$'
       AND to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' < now() - interval '400 days'
  LOOP
    EXECUTE format('DROP TABLE %s', old);
  END LOOP;
END $$;
SELECT keep_activity_partitions();

-- Keys: published before they sign, kept until the last token they signed has expired.
ALTER TABLE signing_keys
  ADD COLUMN activates_at timestamptz NOT NULL DEFAULT now();

-- What the use cases read of an account.
CREATE VIEW account_details AS
  SELECT a.id, a.number, a.tenant_id AS "tenantId", t.number AS "tenantNumber", t.name AS "tenantName", a.username, a.email,
         a.display_name AS "displayName", a.email_verified_at IS NOT NULL AS "emailVerified",
         a.second_factor AS "secondFactor", a.active, a.version, a.locale, a.preferences, a.created_at AS "createdAt",
         a.updated_at AS "updatedAt", a.last_login_at AS "lastLoginAt"
    FROM accounts a JOIN tenants t ON t.id = a.tenant_id;

-- The outbox rows of an account's events, once its sequence was raised by their number to `last`.
CREATE FUNCTION events_of(account uuid, last integer, events jsonb)
  RETURNS TABLE (id uuid, aggregate_id uuid, sequence integer, type text, data jsonb) LANGUAGE sql IMMUTABLE AS $$
  SELECT (e.value->>'id')::uuid, account, last - jsonb_array_length(events) + e.ordinality::integer, e.value->>'type', e.value->'data'
    FROM jsonb_array_elements(events) WITH ORDINALITY e
$$;

-- Accounts under the name and columns that the clients document gives them.
CREATE VIEW clients AS
  SELECT id, email, password_hash AS password_digest, display_name AS name, email_verified_at IS NOT NULL AS email_verified,
         email_verified_at, second_factor AS mfa_enabled, created_at, updated_at
    FROM accounts;
