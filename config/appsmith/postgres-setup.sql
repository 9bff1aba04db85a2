-- What Keycloak and Temporal need in PostgreSQL; may run repeatedly.
SELECT 'CREATE ROLE keycloak LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'keycloak') \gexec
SELECT 'CREATE DATABASE keycloak OWNER keycloak' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'keycloak') \gexec
SELECT 'CREATE ROLE temporal LOGIN SUPERUSER' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'temporal') \gexec
SELECT 'CREATE DATABASE appsmith OWNER temporal' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'appsmith') \gexec
\connect appsmith
CREATE SCHEMA IF NOT EXISTS temporal AUTHORIZATION temporal;
CREATE SCHEMA IF NOT EXISTS temporal_visibility AUTHORIZATION temporal;
