-- Which events were handled, how far each account's events were seen, and what could not be handled.

CREATE TABLE inbox_events (
  consumer text NOT NULL,
  event_id uuid NOT NULL,
  handled_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, event_id)
);
CREATE INDEX inbox_age ON inbox_events (handled_at);

CREATE TABLE inbox_positions (
  consumer text NOT NULL,
  aggregate_id uuid NOT NULL,
  sequence integer NOT NULL,
  PRIMARY KEY (consumer, aggregate_id)
);

CREATE TABLE dead_letters (
  consumer text NOT NULL,
  event_id uuid NOT NULL,
  event jsonb NOT NULL,
  reason text NOT NULL,
  attempts integer NOT NULL,
  failed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, event_id)
);
