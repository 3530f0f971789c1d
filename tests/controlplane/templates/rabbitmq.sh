# Runs a command of RabbitMQ for the control plane's own broker: bash rabbitmq.sh /usr/lib/rabbitmq/bin/rabbitmqctl …
export HOME="$DATA_FOLDER/rabbit" ERL_EPMD_ADDRESS="$ADDRESS"
export RABBITMQ_NODENAME="congresslite-$AMQP_PORT@localhost" RABBITMQ_DIST_PORT="$ERLANG_PORT"
export RABBITMQ_MNESIA_BASE="$DATA_FOLDER/rabbit/mnesia" RABBITMQ_LOG_BASE="$LOG_FOLDER/rabbit"
export RABBITMQ_CONF_ENV_FILE="$CONFIG_FOLDER/rabbitmq-environment.conf" RABBITMQ_CONFIG_FILE="$CONFIG_FOLDER/rabbitmq"
export RABBITMQ_ENABLED_PLUGINS_FILE="$CONFIG_FOLDER/rabbitmq-plugins.txt" RABBITMQ_PID_FILE="$STATE_FOLDER/run/rabbitmq.own"
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
exec "$$@"
