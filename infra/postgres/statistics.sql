-- Run once, when the data folder is made. A database that was there before: the same line in psql.
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
