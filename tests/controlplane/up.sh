#!/usr/bin/env bash
# Starts a real OpenStack "Zed" control plane on loopback, from Debian 12's packages, and fills it with an NFV estate.
#
# Keystone, Placement, Glance, Nova with six fake hypervisors, Neutron; a MariaDB and a RabbitMQ of its own. Run it as
# root, as often as you like: it starts only what is down and makes only what is missing. Ports and the state folder are
# in common.sh; about 3 GiB of memory with tacker.sh.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
mkdir -p "$CONFIG_FOLDER" "$LOG_FOLDER" "$STATE_FOLDER/run" "$DATA_FOLDER"/{stamps,rabbit,neutron/lock} \
    "$DATA_FOLDER"/{keystone/fernet,keystone/credential} "$DATA_FOLDER"/{glance/images,glance/staging,glance/lock,nova/lock}

packages mariadb-server rabbitmq-server keystone placement-api glance-api nova-api nova-conductor nova-scheduler \
    nova-compute neutron-server neutron-common uwsgi-core uwsgi-plugin-python3 python3-pymysql
"$client" "$here/configure.py"

# ---- the database and the broker

if [ ! -d "$DATA_FOLDER/mysql/mysql" ]; then
    mkdir -p "$DATA_FOLDER/mysql"
    mariadb-install-db --no-defaults --user=root --datadir="$DATA_FOLDER/mysql" --auth-root-authentication-method=normal \
        --skip-test-db > "$LOG_FOLDER/mariadb-install.out" 2>&1
fi
# Nothing here is worth a flush to the disk at each commit.
start mariadb mariadbd --no-defaults --user=root --datadir="$DATA_FOLDER/mysql" --socket="$STATE_FOLDER/run/mysql.sock" \
    --bind-address="$ADDRESS" --port="$SQL_PORT" --pid-file="$STATE_FOLDER/run/mariadb.own" --max-connections=500 \
    --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=256M --performance-schema=off
# Erlang's port mapper serves all brokers of a machine: one that is there already is used.
if ! (exec 3<> "/dev/tcp/$ADDRESS/4369") 2> /dev/null; then
    epmd=$(compgen -G '/usr/lib/erlang/erts-*/bin/epmd' | head -1)
    start epmd "${epmd:-epmd}" -address "$ADDRESS"
fi
start rabbitmq bash "$CONFIG_FOLDER/rabbitmq.sh" /usr/lib/rabbitmq/bin/rabbitmq-server
services wait mariadb "$SQL_PORT" 60
for name in keystone placement glance nova_api nova nova_cell0 neutron; do database "$name"; done
for host in localhost "$ADDRESS"; do
    sql "CREATE USER IF NOT EXISTS 'openstack'@'$host' IDENTIFIED BY '$PASSWORD'; GRANT ALL ON *.* TO 'openstack'@'$host'"
done
services wait rabbitmq "$AMQP_PORT" 120
# Unread notifications pile up in durable queues: keep them short.
once rabbitmq-policy bash "$CONFIG_FOLDER/rabbitmq.sh" /usr/lib/rabbitmq/bin/rabbitmqctl --timeout 60 \
    set_policy notifications '^(versioned_)?notifications' '{"max-length":5000}'

# ---- Keystone, and the catalog

# wsgi NAME PORT SCRIPT PROCESSES — a service that runs within uWSGI
wsgi() {
    start "$1" uwsgi_python3 --http-socket "$ADDRESS:$2" --wsgi-file "$3" --processes "$4" --threads 1 \
        --master --die-on-term --need-app --lazy-apps --enable-threads --buffer-size 65535 --listen 100 \
        --add-header "Connection: close" --disable-logging --procname-prefix-spaced "$1"
}

keystone=(keystone-manage --config-file "$CONFIG_FOLDER/keystone.conf")
as_root=(--keystone-user root --keystone-group root)
once keystone-database "${keystone[@]}" db_sync
once keystone-tokens "${keystone[@]}" fernet_setup "${as_root[@]}"
once keystone-credentials "${keystone[@]}" credential_setup "${as_root[@]}"
identity="http://$ADDRESS:$KEYSTONE_PORT/v3"
once keystone-admin "${keystone[@]}" bootstrap --bootstrap-password "$PASSWORD" --bootstrap-region-id RegionOne \
    --bootstrap-admin-url "$identity" --bootstrap-internal-url "$identity" --bootstrap-public-url "$identity"
OS_KEYSTONE_CONFIG_FILES="$CONFIG_FOLDER/keystone.conf" wsgi keystone "$KEYSTONE_PORT" /usr/bin/keystone-wsgi-public 2
services wait keystone "$KEYSTONE_PORT" 60
once catalog seed catalog

# ---- Placement, Glance, Neutron, Nova

export OS_PLACEMENT_CONFIG_DIR="$CONFIG_FOLDER/placement"
once placement-database placement-manage --config-file "$CONFIG_FOLDER/placement/placement.conf" db sync
wsgi placement "$PLACEMENT_PORT" /usr/bin/placement-api 1
once glance-database glance-manage --config-file "$CONFIG_FOLDER/glance.conf" db_sync
start glance-api glance-api --config-file "$CONFIG_FOLDER/glance.conf"

nova=(--config-file "$CONFIG_FOLDER/nova.conf" --config-file "$CONFIG_FOLDER/nova-database.conf")
once nova-api-database nova-manage "${nova[@]}" api_db sync
once nova-cell0 nova-manage "${nova[@]}" cell_v2 map_cell0 \
    --database_connection "mysql+pymysql://openstack:$PASSWORD@$ADDRESS:$SQL_PORT/nova_cell0?charset=utf8"
once nova-cell1 nova-manage "${nova[@]}" cell_v2 create_cell --name cell1
once nova-database nova-manage "${nova[@]}" db sync
neutron=(--config-file "$CONFIG_FOLDER/neutron.conf" --config-file "$CONFIG_FOLDER/ml2.conf")
once neutron-database neutron-db-manage "${neutron[@]}" upgrade heads
start neutron-server neutron-server "${neutron[@]}"
for name in nova-api nova-conductor nova-scheduler; do
    start "$name" "$name" "${nova[@]}" --log-file "$LOG_FOLDER/$name.log"
done
services wait placement "$PLACEMENT_PORT" 60
services wait glance-api "$GLANCE_PORT" 120
services wait neutron-server "$NEUTRON_PORT" 180
services wait nova-api "$NOVA_PORT" 180

# ---- the hosts

names=() fresh=()
for each in $HOSTS; do
    name="${each%%:*}"
    names+=("$name")
    running "nova-compute-$name" || fresh+=("$name")
    # Without the database's file: a nova-compute must not see the database.
    start "nova-compute-$name" nova-compute --config-file "$CONFIG_FOLDER/nova.conf" --config-file "$CONFIG_FOLDER/compute-$name.conf"
done
start l2-agents "$debian" "$here/l2_agents.py" --config-file "$CONFIG_FOLDER/neutron.conf" "${names[@]}"
seed hosts ready "${names[@]}"
once hosts nova-manage "${nova[@]}" cell_v2 discover_hosts
if ((${#fresh[@]} > 0)); then seed hosts revive "${fresh[@]}"; fi

# ---- what runs on it

say "estate"
seed estate
say "the control plane is up: OS_CLIENT_CONFIG_FILE=$CONFIG_FOLDER/clouds.yaml, cloud lab-admin"
