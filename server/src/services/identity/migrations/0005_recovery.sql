-- What opens an account is changed by whoever shows that it is theirs, and can be undone.

ALTER TABLE accounts
  -- The realm whose rule its password was held to; null: unknown, as of imported hashes.
  ADD COLUMN password_realm text;

ALTER TABLE verification_tokens
  DROP CONSTRAINT verification_tokens_token_type_check,
  ADD CONSTRAINT verification_tokens_token_type_check CHECK (token_type IN (
    'email_verification', 'password_reset',
    -- Mailed to a new address: used with the password, and a code to the address before where there is a second factor.
    'address_change',
    -- Mailed to the address before: for seven days it takes the account back, and keeps the address from others.
    'address_undo')),
  -- Of an undo: what the account was like before the change.
  ADD COLUMN details jsonb NOT NULL DEFAULT '{}';
CREATE INDEX verification_tokens_undo ON verification_tokens (lower(email))
  WHERE token_type = 'address_undo' AND used_at IS NULL AND revoked_at IS NULL;
-- A change of address that was begun before is asked for again.
UPDATE verification_tokens v SET revoked_at = now() FROM accounts a
 WHERE a.id = v.account_id AND v.token_type = 'email_verification' AND lower(v.email) IS DISTINCT FROM lower(a.email)
   AND v.used_at IS NULL AND v.revoked_at IS NULL;

-- The counter of an account over all realms. It names nobody who is not named beside it.
CREATE FUNCTION account_counter(account uuid) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
  SELECT sha256(convert_to('account ' || account::text, 'UTF8'))
$$;
