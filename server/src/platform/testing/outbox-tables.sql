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
CREATE TABLE inbox_events (consumer text NOT NULL, event_id uuid NOT NULL, handled_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (consumer, event_id));
CREATE TABLE inbox_positions (consumer text NOT NULL, aggregate_id uuid NOT NULL, sequence integer NOT NULL, PRIMARY KEY (consumer, aggregate_id));
CREATE TABLE dead_letters (consumer text NOT NULL, event_id uuid NOT NULL, event jsonb NOT NULL, reason text NOT NULL, attempts integer NOT NULL, failed_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (consumer, event_id));
