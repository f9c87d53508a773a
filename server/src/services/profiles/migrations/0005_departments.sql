-- Departments are compared without case, and shown as they were first written.

-- What is indexed already has facets in the letters of each person. The service gives all of them new ones in the background, the
-- oldest first; until then a department may be told of twice. Rows from before realms get theirs when they are divided.
UPDATE profiles SET indexed = false WHERE department IS NOT NULL AND indexed AND realm <> '';

CREATE TABLE departments (
  scope text NOT NULL,
  -- Its facet, which stands in `search` and in `totals`.
  term text COLLATE "C" NOT NULL,
  department text NOT NULL,
  PRIMARY KEY (scope, term)
);

CREATE FUNCTION keep_departments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO departments (scope, term, department)
  SELECT DISTINCT ON (scope, lexeme) scope, lexeme, department FROM added, unnest(search)
   WHERE department IS NOT NULL AND starts_with(lexeme, '=department ')
     AND NOT EXISTS (SELECT FROM departments d WHERE (d.scope, d.term) = (added.scope, lexeme))
   ORDER BY scope, lexeme, created_at, account_id
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
-- After that change, which would have filled it with facets in the former letters.
CREATE TRIGGER departments_added AFTER INSERT ON profiles REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION keep_departments();
CREATE TRIGGER departments_changed AFTER UPDATE ON profiles REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION keep_departments();
