#!/bin/sh
# Makes the secrets of the profile `scale`, once: a database password, its URL, and the secret behind the fences.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
[ -e secrets/postgres_password ] && { echo "docker/secrets exists already; nothing was changed" >&2; exit 1; }
new() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
password=$(new)
printf '%s' "$password" > secrets/postgres_password
printf 'postgresql://debrief:%s@postgres/debrief' "$password" > secrets/debrief_database__url
new > secrets/debrief_secret
: > secrets/metrics_key # filled with a key once there is one
chmod 700 secrets
chmod 644 secrets/* # nobody enters the folder but you and the Docker daemon; the container's user has to read them
echo "made docker/secrets: keep it out of version control and in your backups"
