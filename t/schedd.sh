# SPDX-License-Identifier: Apache-2.0
# For tests of schedd with nodes that exist on paper only: what execd would
# write is written by hand. Source it after tap.sh.
#
#   start_schedd [OPTION...]   waits until it is ready; sets SCHEDD_PID
#   node_up RANK [CORES]       registers a node, cores 0-1 unless told
#   submit NAME ARGUMENT...    weir submit; sets ID (decimal) and KEY (job....)
#   submit_array NAME ARGUMENT...   likewise; sets ARRAY (its id), too
#   field NAME ATTRIBUTE       of the newest job with that name
#   wait_event EVENT [KEY]     of a job's eventlog, or the log KEY
#   events KEY                 the names in a job's eventlog, in a line
#   report RANK EVENT CONTEXT  from the execd of RANK, about job ID
#   call METHOD [PAYLOAD]      see t/tool/call.c
weir=$builddir/cmd/weir
LIMIT=60

call()
{
	"$builddir/t/tool/call" "$@"
}

start_schedd()
{
	start_daemon "$builddir/schedd/schedd" --uri="$WEIR_URI" "$@"
	tap_status=$?
	SCHEDD_PID=$DAEMON_PID
	[ $tap_status -eq 0 ] || diag "schedd: $READY"
	return $tap_status
}

kill_schedd()
{
	kill "-$1" "$SCHEDD_PID"
	await schedd "$SCHEDD_PID" 2>/dev/null
	SCHEDD_STATUS=$?
	forget_pid "$SCHEDD_PID"
}

node_up()
{
	"$weir" kvs put "node.$1.info={\"host\":\"n$1\",\"cores\":\"${2-0-1}\",\
\"gpus\":\"\",\"pid\":1,\"version\":\"0\",\"start\":1}"
}

field()
{
	call job-list.list "{\"name\":\"$1\",\"max_entries\":1,\
\"attrs\":[\"$2\"]}" | sed -n "s/.*\"$2\":\"\{0,1\}\([^,\"}]*\).*/\1/p"
}

kvs_key()
{
	printf '%016x\n' "$1" | sed 's/\(....\)\(....\)\(....\)/job.\1.\2.\3./'
}

submit()
{
	submit_name=$1
	shift
	"$weir" submit --job-name="$submit_name" --env=-* "$@" \
		>"$WORK/submitted" 2>"$WORK/refused" || return 1
	ID=$(field "$submit_name" id)
	KEY=$(kvs_key "$ID")
}

# of an array, whose elements have the same name; sets ARRAY (f58) as well
submit_array()
{
	submit "$@" || return 1
	ARRAY=$(cat "$WORK/submitted")
	ID=$("$weir" job id --to=dec "$ARRAY")
	KEY=$(kvs_key "$ID")
}

wait_event()
{
	"$weir" kvs eventlog wait-event -q -W -t $LIMIT "${2-$KEY.eventlog}" \
		"$1" 2>>"$WORK/stderr"
}

events()
{
	"$weir" kvs eventlog get "$1.eventlog" | awk '{print $2}' | xargs
}

report()
{
	"$weir" kvs eventlog append "exec.$1.$ID.report" "$2" "$3"
}
