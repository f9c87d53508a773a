-- Who belongs to which realm, and as what: memberships, in place of grants and of one activation for all realms.

CREATE TABLE memberships (
  account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
  realm text NOT NULL,
  -- Null: a person's.
  role text,
  -- True for the role that administers the realm: its last holder can be neither removed nor demoted.
  administrator boolean NOT NULL DEFAULT false,
  -- `removed` is kept for 400 days without anything of the person: signing in does not bring the membership back.
  state text NOT NULL CHECK (state IN ('active', 'inactive', 'pending', 'removed')),
  -- Raised when role or state change. The claim `ver` is the account's version and this one together.
  version integer NOT NULL DEFAULT 0,
  origin text NOT NULL CHECK (origin IN ('registered', 'joined', 'added', 'imported')),
  since timestamptz NOT NULL DEFAULT now(),
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (account_id, realm)
);
CREATE INDEX memberships_administrators ON memberships (realm) WHERE administrator;
CREATE INDEX memberships_removed ON memberships (changed_at) WHERE state = 'removed';

-- From before: whoever was granted a role in a realm, or is known there by a session, a link that was used, or the log; but not by
-- what a stranger does with somebody's name or address: a failed sign-in, a link that was asked for.
INSERT INTO memberships (account_id, realm, role, administrator, state, origin, since)
SELECT a.id, known.realm, g.role, coalesce(g.administrator, false),
       CASE WHEN a.active THEN 'active'
            WHEN a.last_login_at IS NULL AND (t.settings->>'approval')::boolean THEN 'pending' ELSE 'inactive' END,
       CASE WHEN known.actions @> '{register}' THEN 'registered'
            WHEN known.actions @> '{import}' THEN 'imported'
            WHEN known.actions = '{}' THEN 'added' ELSE 'joined' END,
       known.since
  FROM (SELECT account_id, contract AS realm, min(at) AS since,
               coalesce(array_agg(DISTINCT action) FILTER (WHERE action IS NOT NULL), '{}') AS actions
          FROM (SELECT account_id, contract, granted_at AS at, NULL AS action FROM grants
                UNION ALL SELECT account_id, contract, created_at, 'login' FROM sessions
                UNION ALL SELECT account_id, contract, created_at, NULL FROM verification_tokens WHERE used_at IS NOT NULL
                UNION ALL SELECT account_id, contract, created_at, action FROM activities
                 WHERE action NOT IN ('login_failed', 'reset_password_request')) traces
         GROUP BY account_id, contract) known
  JOIN accounts a ON a.id = known.account_id
  JOIN tenants t ON t.id = a.tenant_id
  LEFT JOIN grants g ON g.account_id = known.account_id AND g.contract = known.realm;

DO $$
DECLARE left_over bigint;
BEGIN
  SELECT count(*) INTO left_over FROM accounts a WHERE NOT EXISTS (SELECT FROM memberships m WHERE m.account_id = a.id);
  IF left_over > 0 THEN
    RAISE WARNING '% accounts belong to no realm: nothing tells where they came from; signing in where joining is open makes them members', left_over;
  END IF;
END $$;

-- A version of the account is of what opens it: password, second factor, address. Its revision rises with it and with every change
-- of a membership: what was judged against one revision is not done at another.
ALTER TABLE accounts
  ADD COLUMN revision integer NOT NULL DEFAULT 1;
ALTER TABLE mfa_codes RENAME COLUMN version TO revision;
UPDATE mfa_codes SET revoked_at = now() WHERE used_at IS NULL AND revoked_at IS NULL;

-- Null: in every realm.
ALTER TABLE revocations ADD COLUMN realm text;

DROP VIEW account_details;
ALTER TABLE accounts DROP COLUMN active;
DROP TABLE grants;

-- What the use cases read of an account, whichever realms it belongs to.
CREATE VIEW account_details AS
  SELECT a.id, a.number, a.tenant_id AS "tenantId", t.number AS "tenantNumber", t.name AS "tenantName", a.username, a.email,
         a.display_name AS "displayName", a.email_verified_at IS NOT NULL AS "emailVerified",
         a.second_factor AS "secondFactor", a.revision, a.version AS "accountVersion", a.locale, a.preferences,
         a.created_at AS "createdAt", a.updated_at AS "updatedAt", a.last_login_at AS "lastLoginAt"
    FROM accounts a JOIN tenants t ON t.id = a.tenant_id;

-- The same of the members of a realm.
CREATE VIEW member_details AS
  SELECT d.*, m.realm, m.role, m.state, m.state = 'active' AS active, d."accountVersion" + m.version AS version
    FROM memberships m JOIN account_details d ON d.id = m.account_id
   WHERE m.state <> 'removed';
