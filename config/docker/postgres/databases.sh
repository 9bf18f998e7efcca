#!/bin/sh
# Run once by PostgreSQL's image, when its data folder is empty: a role and a database each for Synapse and esnbot.
set -eu

# Synapse insists on the C collation. Passwords come from the environment and are quoted by psql itself.
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set synapse_password="$SYNAPSE_DATABASE_PASSWORD" \
    --set esnbot_password="$ESNBOT_DATABASE_PASSWORD" <<'SQL'
CREATE ROLE synapse LOGIN PASSWORD :'synapse_password';
CREATE DATABASE synapse OWNER synapse ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;
CREATE ROLE esnbot LOGIN PASSWORD :'esnbot_password';
CREATE DATABASE esnbot OWNER esnbot ENCODING 'UTF8' TEMPLATE template0;
SQL
