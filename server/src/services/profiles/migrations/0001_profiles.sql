-- Profiles of the accounts that identity keeps; the account's id and number are shared, its password is not.

CREATE TABLE profiles (
  account_id uuid PRIMARY KEY,
  number bigint NOT NULL UNIQUE,
  username text NOT NULL,
  email text,
  first_name text,
  last_name text,
  phone text,
  address text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz
);

