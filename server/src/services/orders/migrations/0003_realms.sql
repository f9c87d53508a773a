-- An order belongs to the realm that it was placed in. Null: from before realms, when there was one that orders.
ALTER TABLE orders ADD COLUMN realm text;
