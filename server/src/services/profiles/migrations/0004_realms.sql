-- A profile belongs to a membership: what somebody is in one realm is that realm's own. Activities say in which realm they were.

DROP TRIGGER profiles_changed ON profiles;
DROP TRIGGER profiles_removed ON profiles;
DROP TRIGGER profiles_added ON profiles;
DROP VIEW profile_details;
DROP INDEX profiles_number, profiles_created, profiles_updated, profiles_updated_down, profiles_email, profiles_email_down,
           profiles_first_name, profiles_first_name_down, profiles_last_name, profiles_last_name_down, profiles_unindexed,
           profiles_roles_unknown;

ALTER TABLE profiles
  -- Empty: from before realms. The service asks identity where the account belongs, and gives each of those realms its copy.
  ADD COLUMN realm text NOT NULL DEFAULT '',
  -- The role that identity gave there; null: a person's.
  ADD COLUMN role text,
  -- When the membership began, as identity says: one that ended and began anew is another.
  ADD COLUMN member_since timestamptz,
  DROP COLUMN roles,
  DROP CONSTRAINT profiles_pkey,
  DROP CONSTRAINT profiles_number_key;
ALTER TABLE profiles
  ALTER COLUMN realm DROP DEFAULT,
  ALTER COLUMN tenant DROP DEFAULT,
  -- Those who may see each other.
  ADD COLUMN scope text GENERATED ALWAYS AS (realm || '/' || tenant) STORED,
  ADD PRIMARY KEY (account_id, realm),
  ADD UNIQUE (number, realm);
UPDATE profiles SET search = '', indexed = true;

CREATE INDEX profiles_number ON profiles (scope, number);
CREATE INDEX profiles_created ON profiles (scope, created_at, account_id);
CREATE INDEX profiles_updated ON profiles (scope, updated_at, account_id);
CREATE INDEX profiles_updated_down ON profiles (scope, updated_at DESC NULLS LAST, account_id DESC);
CREATE INDEX profiles_email ON profiles (scope, email_order, account_id);
CREATE INDEX profiles_email_down ON profiles (scope, email_order DESC NULLS LAST, account_id DESC);
CREATE INDEX profiles_first_name ON profiles (scope, first_name_order, account_id);
CREATE INDEX profiles_first_name_down ON profiles (scope, first_name_order DESC NULLS LAST, account_id DESC);
CREATE INDEX profiles_last_name ON profiles (scope, last_name_order, account_id);
CREATE INDEX profiles_last_name_down ON profiles (scope, last_name_order DESC NULLS LAST, account_id DESC);
CREATE INDEX profiles_unindexed ON profiles (account_id) WHERE NOT indexed;
CREATE INDEX profiles_without_realm ON profiles (account_id) WHERE realm = '';
CREATE INDEX profiles_avatar ON profiles (avatar_key) WHERE avatar_key IS NOT NULL;

TRUNCATE totals;
ALTER TABLE totals RENAME COLUMN tenant TO scope;
CREATE OR REPLACE FUNCTION keep_totals() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  own_slot smallint := pg_backend_pid() % 8;
BEGIN
  -- In one order, so that two writers cannot wait for each other.
  IF TG_OP = 'INSERT' THEN
    INSERT INTO totals (scope, term, slot, profiles)
    SELECT scope, term, own_slot, count(*) FROM added, terms_of(search) term GROUP BY scope, term ORDER BY scope, term
    ON CONFLICT (scope, term, slot) DO UPDATE SET profiles = totals.profiles + excluded.profiles;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO totals (scope, term, slot, profiles)
    SELECT scope, term, own_slot, -count(*) FROM removed, terms_of(search) term GROUP BY scope, term ORDER BY scope, term
    ON CONFLICT (scope, term, slot) DO UPDATE SET profiles = totals.profiles + excluded.profiles;
  ELSE
    INSERT INTO totals (scope, term, slot, profiles)
    SELECT scope, term, own_slot, sum(difference) FROM (
      SELECT a.scope, term, 1 AS difference FROM added a JOIN removed r USING (account_id, realm), terms_of(a.search) term
       WHERE (a.scope, a.search) IS DISTINCT FROM (r.scope, r.search)
      UNION ALL
      SELECT r.scope, term, -1 FROM added a JOIN removed r USING (account_id, realm), terms_of(r.search) term
       WHERE (a.scope, a.search) IS DISTINCT FROM (r.scope, r.search)) changed
     GROUP BY scope, term HAVING sum(difference) <> 0 ORDER BY scope, term
    ON CONFLICT (scope, term, slot) DO UPDATE SET profiles = totals.profiles + excluded.profiles;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER profiles_added AFTER INSERT ON profiles REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION keep_totals();
CREATE TRIGGER profiles_removed AFTER DELETE ON profiles REFERENCING OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION keep_totals();
CREATE TRIGGER profiles_changed AFTER UPDATE ON profiles REFERENCING OLD TABLE AS removed NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION keep_totals();

-- The number of an account's latest event, whichever realm it was of: it goes on when a membership ends and begins anew.
CREATE TABLE event_sequences (
  account_id uuid PRIMARY KEY,
  sequence integer NOT NULL
);
INSERT INTO event_sequences SELECT account_id, sequence FROM profiles WHERE sequence > 0;

-- Memberships that ended; the empty realm is the whole account.
ALTER TABLE removed_profiles
  ADD COLUMN realm text NOT NULL DEFAULT '',
  -- Of the membership that ended; an older one does not bring its profile back.
  ADD COLUMN member_since timestamptz NOT NULL DEFAULT 'infinity',
  DROP CONSTRAINT removed_profiles_pkey;
ALTER TABLE removed_profiles
  ALTER COLUMN realm DROP DEFAULT,
  ALTER COLUMN member_since DROP DEFAULT,
  ADD PRIMARY KEY (account_id, realm);

-- Null: from before realms.
ALTER TABLE activities ADD COLUMN realm text;
CREATE INDEX activities_scope ON activities (realm, tenant, created_at, type);
DROP INDEX activities_tenant;
ALTER TABLE activity_totals ADD COLUMN realm text NOT NULL DEFAULT '';
ALTER TABLE activity_totals DROP CONSTRAINT activity_totals_pkey, ADD PRIMARY KEY (realm, tenant, day, type, slot);
CREATE OR REPLACE FUNCTION keep_activity_totals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO activity_totals (realm, tenant, day, type, slot, activities)
  SELECT coalesce(realm, ''), tenant, (created_at AT TIME ZONE 'UTC')::date, type, pg_backend_pid() % 8, count(*) FROM added
   GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
  ON CONFLICT (realm, tenant, day, type, slot) DO UPDATE SET activities = activity_totals.activities + excluded.activities;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW.ip IS NULL AND NEW.user_agent IS NULL AND NEW.data = '{}'
       AND (NEW.id, NEW.account_id, NEW.tenant, NEW.type, NEW.created_at) = (OLD.id, OLD.account_id, OLD.tenant, OLD.type, OLD.created_at)
       AND NEW.realm IS NOT DISTINCT FROM OLD.realm
       AND EXISTS (SELECT FROM removed_profiles r WHERE r.account_id = OLD.account_id AND r.realm IN ('', OLD.realm)) THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION 'the activity log is append-only';
END $$;

-- What the use cases read of a profile.
CREATE VIEW profile_details AS
  SELECT account_id AS "accountId", realm, number, tenant, username, email, display_name AS "displayName",
         first_name AS "firstName", last_name AS "lastName", phone, address, department, job_title AS "jobTitle",
         avatar_key AS "avatarKey", preferences, created_at AS "createdAt", updated_at AS "updatedAt", role,
         member_since AS "memberSince", sequence, scope
    FROM profiles;
