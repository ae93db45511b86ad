#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir bench of jobs and whole commands, tiny, each in an instance of its own.
# How fast is not tested.
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/bench/figures.sh"

# full ARGUMENT...: in an instance of its own.
full()
{
	what="bench $*"
	"$weir" start "$weir" bench --json "$@" >out 2>err
}

full jobs -n5
figures jobs.real.submit jobs.real
full jobs -n5 --sim
figures jobs.sim.submit jobs.sim
full jobs -n5 --array
figures jobs.real.array.submit jobs.real.array
full jobs -n5 --sim --array
figures jobs.sim.array.submit jobs.sim.array
full command -n2
figures command.kvs-get command.run command.start-stop
full attach -n2
figures attach.output attach.client-memory attach.kvsd-memory-growth

done_testing
