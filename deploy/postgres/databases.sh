# Run once, by PostgreSQL's image, when the volume is empty: a role and a database each for the races and for
# MLflow, so that neither can read the other's. Passwords come as they are, or in files.
: "${GREYHOUND_DATABASE_PASSWORD:=$(cat "$GREYHOUND_DATABASE_PASSWORD_FILE")}"
: "${MLFLOW_DATABASE_PASSWORD:=$(cat "$MLFLOW_DATABASE_PASSWORD_FILE")}"
psql --set ON_ERROR_STOP=1 --quiet --username "$POSTGRES_USER" --dbname postgres \
    --set greyhound="$GREYHOUND_DATABASE_PASSWORD" --set mlflow="$MLFLOW_DATABASE_PASSWORD" <<'SQL'
create role greyhound login password :'greyhound';
create role mlflow login password :'mlflow';
create database greyhound owner greyhound;
create database mlflow owner mlflow;
revoke connect, temporary on database greyhound, mlflow, postgres from public;
SQL
