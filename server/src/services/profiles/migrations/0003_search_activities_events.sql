-- What a directory of people adds: search, activities, statistics, avatars, and events of their own.

ALTER TABLE profiles
  ADD COLUMN tenant text NOT NULL DEFAULT 'main',
  ADD COLUMN display_name text,
  ADD COLUMN department text,
  ADD COLUMN job_title text,
  ADD COLUMN avatar_key text,
  ADD COLUMN preferences jsonb NOT NULL DEFAULT '{}',
  -- The account's role by contract, as identity granted it. Null: not asked yet.
  ADD COLUMN roles jsonb,
  -- Raised under the row's lock with each event.
  ADD COLUMN sequence integer NOT NULL DEFAULT 0,
  -- The event to be recorded by whoever removes the row: the request for it, or the event of the account.
  ADD COLUMN removal jsonb,
  -- The folded words that the profile is found by, and marks that begin with "=": tenant, department and roles.
  ADD COLUMN search tsvector NOT NULL DEFAULT '',
  ADD COLUMN email_order text COLLATE "C",
  ADD COLUMN first_name_order text COLLATE "C",
  ADD COLUMN last_name_order text COLLATE "C",
  -- False: search and order have yet to be computed. Folding letters is done in one place, the service, which no SQL without
  -- extensions could repeat exactly: it does so here for the rows of before, in the background, as soon as it runs. A change of the
  -- fold sets all rows back to false.
  ADD COLUMN indexed boolean NOT NULL DEFAULT false;

-- Without a list of pending entries, which every search would have to read through.
CREATE INDEX profiles_search ON profiles USING gin (search) WITH (fastupdate = off);
CREATE INDEX profiles_number ON profiles (tenant, number);
-- Each order forwards and, where null stands last both ways, backwards.
CREATE INDEX profiles_created ON profiles (tenant, created_at, account_id);
CREATE INDEX profiles_updated ON profiles (tenant, updated_at, account_id);
CREATE INDEX profiles_updated_down ON profiles (tenant, updated_at DESC NULLS LAST, account_id DESC);
CREATE INDEX profiles_email ON profiles (tenant, email_order, account_id);
CREATE INDEX profiles_email_down ON profiles (tenant, email_order DESC NULLS LAST, account_id DESC);
CREATE INDEX profiles_first_name ON profiles (tenant, first_name_order, account_id);
CREATE INDEX profiles_first_name_down ON profiles (tenant, first_name_order DESC NULLS LAST, account_id DESC);
CREATE INDEX profiles_last_name ON profiles (tenant, last_name_order, account_id);
CREATE INDEX profiles_last_name_down ON profiles (tenant, last_name_order DESC NULLS LAST, account_id DESC);
-- The rows of before, until they were seen to.
CREATE INDEX profiles_unindexed ON profiles (account_id) WHERE NOT indexed;
CREATE INDEX profiles_roles_unknown ON profiles (account_id) WHERE roles IS NULL;

-- How many profiles of a tenant have a term: a mark, or the first one to five letters of a word. Counting the matches of one letter
-- takes as long as there are matches; this takes as long as nothing. Kept by triggers, so that no writer can forget it.
CREATE TABLE totals (
  tenant text NOT NULL,
  term text COLLATE "C" NOT NULL,
  -- Connections count beside each other, or all writers would wait for the row of a letter.
  slot smallint NOT NULL,
  profiles integer NOT NULL,
  PRIMARY KEY (tenant, term, slot)
) WITH (fillfactor = 60);

CREATE FUNCTION terms_of(search tsvector) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
  SELECT DISTINCT CASE WHEN starts_with(word.lexeme, '=') THEN word.lexeme ELSE left(word.lexeme, letters) END
    FROM unnest(search) word,
         generate_series(1, CASE WHEN starts_with(word.lexeme, '=') THEN 1 ELSE least(length(word.lexeme), 5) END) letters
$$;

CREATE FUNCTION keep_totals() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  own_slot smallint := pg_backend_pid() % 8;
BEGIN
  -- In one order, so that two writers cannot wait for each other.
  IF TG_OP = 'INSERT' THEN
    INSERT INTO totals (tenant, term, slot, profiles)
    SELECT tenant, term, own_slot, count(*) FROM added, terms_of(search) term GROUP BY tenant, term ORDER BY tenant, term
    ON CONFLICT (tenant, term, slot) DO UPDATE SET profiles = totals.profiles + excluded.profiles;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO totals (tenant, term, slot, profiles)
    SELECT tenant, term, own_slot, -count(*) FROM removed, terms_of(search) term GROUP BY tenant, term ORDER BY tenant, term
    ON CONFLICT (tenant, term, slot) DO UPDATE SET profiles = totals.profiles + excluded.profiles;
  ELSE
    INSERT INTO totals (tenant, term, slot, profiles)
    SELECT tenant, term, own_slot, sum(difference) FROM (
      SELECT a.tenant, term, 1 AS difference FROM added a JOIN removed r USING (account_id), terms_of(a.search) term
       WHERE (a.tenant, a.search) IS DISTINCT FROM (r.tenant, r.search)
      UNION ALL
      SELECT r.tenant, term, -1 FROM added a JOIN removed r USING (account_id), terms_of(r.search) term
       WHERE (a.tenant, a.search) IS DISTINCT FROM (r.tenant, r.search)) changed
     GROUP BY tenant, term HAVING sum(difference) <> 0 ORDER BY tenant, term
    ON CONFLICT (tenant, term, slot) DO UPDATE SET profiles = totals.profiles + excluded.profiles;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER profiles_added AFTER INSERT ON profiles REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION keep_totals();
CREATE TRIGGER profiles_removed AFTER DELETE ON profiles REFERENCING OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION keep_totals();
CREATE TRIGGER profiles_changed AFTER UPDATE ON profiles REFERENCING OLD TABLE AS removed NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION keep_totals();

-- Preferences with a change laid over them, two levels deep.
CREATE FUNCTION merged_preferences(base jsonb, change jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT base || coalesce(jsonb_object_agg(key, CASE
           WHEN jsonb_typeof(value) = 'object' AND jsonb_typeof(base->key) = 'object' THEN (base->key) || value ELSE value END), '{}')
    FROM jsonb_each(change)
$$;

-- Profiles that were removed: an event that is late must not bring one back, and what their people left is erased.
CREATE TABLE removed_profiles (
  account_id uuid PRIMARY KEY,
  removed_at timestamptz NOT NULL DEFAULT now(),
  -- False while the activities still hold more than type and time.
  erased boolean NOT NULL DEFAULT false
);
CREATE INDEX removed_profiles_age ON removed_profiles (removed_at);
CREATE INDEX removed_profiles_unerased ON removed_profiles (account_id) WHERE NOT erased;

-- What people did with their profiles: written once, dropped by the month when it is 400 days old.
CREATE SEQUENCE activities_id;
CREATE TABLE activities (
  id bigint NOT NULL DEFAULT nextval('activities_id'),
  account_id uuid NOT NULL,
  tenant text NOT NULL,
  type text NOT NULL,
  -- Names of fields and ids, never what anybody wrote.
  data jsonb NOT NULL DEFAULT '{}',
  ip inet,
  user_agent text,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (created_at, id)
) PARTITION BY RANGE (created_at);
CREATE TABLE activities_default PARTITION OF activities DEFAULT;
CREATE INDEX activities_account ON activities (account_id, created_at DESC, id DESC);
CREATE INDEX activities_tenant ON activities (tenant, created_at, type);

-- How much of each type was done in a day (UTC), for statistics; kept like `totals`.
CREATE TABLE activity_totals (
  tenant text NOT NULL,
  day date NOT NULL,
  type text NOT NULL,
  slot smallint NOT NULL,
  activities integer NOT NULL,
  PRIMARY KEY (tenant, day, type, slot)
) WITH (fillfactor = 60);
CREATE INDEX activity_totals_age ON activity_totals (day);

CREATE FUNCTION keep_activity_totals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO activity_totals (tenant, day, type, slot, activities)
  SELECT tenant, (created_at AT TIME ZONE 'UTC')::date, type, pg_backend_pid() % 8, count(*) FROM added
   GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
  ON CONFLICT (tenant, day, type, slot) DO UPDATE SET activities = activity_totals.activities + excluded.activities;
  RETURN NULL;
END $$;
CREATE TRIGGER activities_added AFTER INSERT ON activities REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION keep_activity_totals();

-- The one change that the log takes: what tells of a person is erased from the rows of a profile that was removed.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW.ip IS NULL AND NEW.user_agent IS NULL AND NEW.data = '{}'
       AND (NEW.id, NEW.account_id, NEW.tenant, NEW.type, NEW.created_at) = (OLD.id, OLD.account_id, OLD.tenant, OLD.type, OLD.created_at)
       AND EXISTS (SELECT FROM removed_profiles r WHERE r.account_id = OLD.account_id) THEN
      RETURN NEW;
    END IF;
  END IF;
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

-- What happened here, for the other services to pull.
CREATE TABLE outbox_events (
  id uuid PRIMARY KEY,
  aggregate_id uuid NOT NULL,
  sequence integer NOT NULL,
  type text NOT NULL,
  data jsonb NOT NULL,
  occurred_at timestamptz NOT NULL DEFAULT now(),
  acknowledged_by text[] NOT NULL DEFAULT '{}',
  published_at timestamptz,
  UNIQUE (aggregate_id, sequence)
);
CREATE INDEX outbox_unpublished ON outbox_events (occurred_at, id) WHERE published_at IS NULL;
CREATE INDEX outbox_published ON outbox_events (published_at) WHERE published_at IS NOT NULL;

-- The files of avatars that were stored; one that no profile names is removed after a day.
CREATE TABLE avatar_files (
  key text PRIMARY KEY,
  account_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX avatar_files_age ON avatar_files (created_at);

-- What the use cases read of a profile.
CREATE VIEW profile_details AS
  SELECT account_id AS "accountId", number, tenant, username, email, display_name AS "displayName", first_name AS "firstName",
         last_name AS "lastName", phone, address, department, job_title AS "jobTitle", avatar_key AS "avatarKey", preferences,
         created_at AS "createdAt", updated_at AS "updatedAt", roles, sequence
    FROM profiles;
