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
