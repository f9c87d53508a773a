-- Accounts, their grants, sessions and keys. No column holds a usable secret.

CREATE TABLE tenants (
  id uuid PRIMARY KEY,
  name text NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO tenants (id, name) VALUES ('01900000-0000-7000-8000-000000000001', 'main');

CREATE TABLE accounts (
  id uuid PRIMARY KEY,
  -- The number is what contracts with integer ids show.
  number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  tenant_id uuid NOT NULL REFERENCES tenants,
  username text NOT NULL,
  email text,
  display_name text,
  -- Null: nobody can sign in with a password yet.
  password_hash text,
  -- The claim `ver`: raised when role, password or activation change, so that older tokens are refused.
  version integer NOT NULL DEFAULT 1,
  active boolean NOT NULL DEFAULT true,
  -- The sequence of this account's last event.
  sequence integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX accounts_username ON accounts (tenant_id, lower(username));

-- A deleted username is never given to somebody else; only its hash is kept.
CREATE TABLE retired_usernames (
  tenant_id uuid NOT NULL REFERENCES tenants,
  username_hash bytea NOT NULL,
  retired_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, username_hash)
);

CREATE TABLE grants (
  account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
  contract text NOT NULL,
  role text NOT NULL,
  -- True for the role that administers the contract: its last holder can be neither deleted nor demoted.
  administrator boolean NOT NULL DEFAULT false,
  granted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (account_id, contract)
);
CREATE INDEX grants_administrators ON grants (contract) WHERE administrator;

CREATE TABLE sessions (
  id uuid PRIMARY KEY,
  account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
  contract text NOT NULL,
  ip inet,
  user_agent text,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  end_reason text
);
CREATE INDEX sessions_account ON sessions (account_id);
CREATE INDEX sessions_expiry ON sessions (coalesce(ended_at, expires_at));

CREATE TABLE refresh_tokens (
  token_hash bytea PRIMARY KEY,
  session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  replaced_at timestamptz,
  -- The successor, sealed with a key derived from this token itself; erased when the grace is over.
  successor_sealed bytea
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);
CREATE INDEX refresh_tokens_sealed ON refresh_tokens (replaced_at) WHERE successor_sealed IS NOT NULL;

CREATE TABLE sign_in_counters (
  key bytea PRIMARY KEY,
  failures integer NOT NULL,
  locked_until timestamptz,
  expires_at timestamptz NOT NULL
);
CREATE INDEX sign_in_counters_expiry ON sign_in_counters (expires_at);

CREATE TABLE revocations (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  session_id uuid,
  account_id uuid,
  minimum_version integer,
  -- When the last token it could concern has expired.
  until timestamptz NOT NULL,
  -- Readers go by transaction, not by id: ids commit out of order.
  transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
  CHECK ((session_id IS NULL) <> (account_id IS NULL AND minimum_version IS NULL))
);
CREATE INDEX revocations_transaction ON revocations (transaction_id);
CREATE INDEX revocations_until ON revocations (until);

CREATE TABLE signing_keys (
  kid text PRIMARY KEY,
  public_jwk jsonb NOT NULL,
  private_key_sealed bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE idempotency_keys (
  account_id uuid NOT NULL,
  route text NOT NULL,
  key text NOT NULL,
  request_hash bytea NOT NULL,
  created_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (account_id, route, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
