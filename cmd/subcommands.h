/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of weir, a row each: the front end's dispatch and help, the
 * completion and a test that each has a manual page are made from it.
 *
 * SUBCOMMAND(id, word, group, help): main_##id(argc, argv) is in cmd/, argv[0]
 * is the word; its result is the exit code. */
#ifndef WEIR_CMD_SUBCOMMANDS_H
#define WEIR_CMD_SUBCOMMANDS_H

#define WEIR_SUBCOMMANDS(SUBCOMMAND) \
SUBCOMMAND(start, "start", INSTANCE, "start an instance and run a program in it") \
SUBCOMMAND(shutdown, "shutdown", INSTANCE, "stop the instance") \
SUBCOMMAND(uptime, "uptime", INSTANCE, "how long the instance has run, and for whom") \
SUBCOMMAND(dmesg, "dmesg", INSTANCE, "show the instance's log") \
SUBCOMMAND(logger, "logger", INSTANCE, "add a line to the instance's log") \
SUBCOMMAND(getattr, "getattr", INSTANCE, "show an attribute of the instance") \
SUBCOMMAND(setattr, "setattr", INSTANCE, "set an attribute of the instance") \
SUBCOMMAND(lsattr, "lsattr", INSTANCE, "list the attributes of the instance") \
SUBCOMMAND(config, "config", INSTANCE, "read and change the configuration") \
SUBCOMMAND(uri, "uri", INSTANCE, "say where an instance is") \
SUBCOMMAND(resource, "resource", INSTANCE, "list and describe nodes and cores") \
SUBCOMMAND(run, "run", JOBS, "run a job and wait for it") \
SUBCOMMAND(submit, "submit", JOBS, "submit jobs and go on") \
SUBCOMMAND(bulksubmit, "bulksubmit", JOBS, "submit a job for each input") \
SUBCOMMAND(batch, "batch", JOBS, "submit a script that runs in an instance of its own") \
SUBCOMMAND(alloc, "alloc", JOBS, "get an instance of your own and run a shell in it") \
SUBCOMMAND(jobs, "jobs", JOBS, "list jobs") \
SUBCOMMAND(job, "job", JOBS, "attach to a job, see its events, signal it") \
SUBCOMMAND(watch, "watch", JOBS, "show what jobs write until they have ended") \
SUBCOMMAND(cancel, "cancel", JOBS, "cancel jobs") \
SUBCOMMAND(update, "update", JOBS, "change what an active job asks for") \
SUBCOMMAND(pgrep, "pgrep", JOBS, "find jobs by name or range of ids") \
SUBCOMMAND(pkill, "pkill", JOBS, "cancel jobs by name or range of ids") \
SUBCOMMAND(top, "top", JOBS, "watch the instance and its jobs on a full screen") \
SUBCOMMAND(pstree, "pstree", JOBS, "jobs, and those of instances in them, as a tree") \
SUBCOMMAND(queue, "queue", JOBS, "open, close, start, stop and list queues") \
SUBCOMMAND(housekeeping, "housekeeping", JOBS, "see and end what runs on nodes after their jobs") \
SUBCOMMAND(jobtap, "jobtap", JOBS, "load and list plug-ins of the scheduler") \
SUBCOMMAND(kvs, "kvs", COORDINATE, "read, write and watch the key-value store") \
SUBCOMMAND(lock, "lock", COORDINATE, "run a program while holding a lock") \
SUBCOMMAND(elect, "elect", COORDINATE, "be a candidate, or see who leads") \
SUBCOMMAND(event, "event", COORDINATE, "publish and receive events") \
SUBCOMMAND(ping, "ping", COORDINATE, "measure the round trip to a service") \
SUBCOMMAND(match, "match", OTHER, "try the scheduler's matching on a graph") \
SUBCOMMAND(sim, "sim", OTHER, "replay a trace of jobs under scheduling policies") \
SUBCOMMAND(bench, "bench", OTHER, "measure the instance beside the bare machine") \
SUBCOMMAND(hostlist, "hostlist", OTHER, "make, join and compare lists of hosts") \
SUBCOMMAND(R, "R", OTHER, "make, join, compare and show sets of resources") \
SUBCOMMAND(env, "env", OTHER, "print or use the instance's environment") \
SUBCOMMAND(version, "version", OTHER, "show versions") \
SUBCOMMAND(help, "help", OTHER, "show a command's manual page")

#define SUBCOMMAND(id, word, group, help) int main_##id(int argc, char **argv);
WEIR_SUBCOMMANDS(SUBCOMMAND)
#undef SUBCOMMAND

#endif
