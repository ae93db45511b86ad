/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the protocol, a row each. Dispatch, usage, `help` and the
 * tests are made from this table; weir-protocol(7) explains each row.
 *
 * COMMAND(id, word, positional, max, options, payload, role, synopsis, help)
 *   id          C identifier: CMD_##id, handler do_##id in kvsd
 *   word        as typed
 *   positional  number of positional arguments required
 *   max         number allowed (the further ones are optional)
 *   options     names of name=value arguments, space separated
 *   payload     NONE, MAY or MUST have one
 *   role        USER, ADMIN or OWNER: the least that may use it
 */
#ifndef WEIR_PROTO_COMMANDS_H
#define WEIR_PROTO_COMMANDS_H

#define WEIR_COMMANDS(COMMAND) \
COMMAND(hello, "hello", 1, 1, "name endpoint", NONE, USER, \
	"PROTOCOL [name=TEXT] [endpoint=NAME]", \
	"open the conversation; must come first") \
COMMAND(ping, "ping", 0, 0, "", NONE, USER, "", \
	"answer with the server's clock") \
COMMAND(help, "help", 0, 0, "command", NONE, USER, "[command=NAME]", \
	"show this table") \
COMMAND(quit, "quit", 0, 0, "", NONE, USER, "", \
	"close the connection") \
COMMAND(get, "get", 2, 2, "at offset length", NONE, USER, \
	"NS KEY [at=VERSION|HASH] [offset=N] [length=N]", \
	"read a value") \
COMMAND(stat, "stat", 2, 2, "at", NONE, USER, \
	"NS KEY [at=VERSION|HASH]", \
	"type, size and hash of what a key holds") \
COMMAND(list, "list", 2, 2, "at after limit", NONE, USER, \
	"NS KEY [at=VERSION|HASH] [after=NAME] [limit=N]", \
	"names in a directory, by pages") \
COMMAND(readlink, "readlink", 2, 2, "at", NONE, USER, \
	"NS KEY [at=VERSION|HASH]", \
	"target of a symbolic link") \
COMMAND(root, "root", 1, 1, "at", NONE, USER, \
	"NS [at=VERSION]", \
	"version, root hash and owner of a namespace") \
COMMAND(sync, "sync", 1, 2, "timeout", NONE, USER, \
	"NS [VERSION] [timeout=SECONDS]", \
	"wait until a version, or all before now, is durable") \
COMMAND(diff, "diff", 2, 2, "at to-ns to-key to recursive", NONE, USER, \
	"NS KEY [at=VERSION|HASH] [to-ns=NS] [to-key=KEY] " \
	"[to=VERSION|HASH] [recursive=1]", \
	"tell what differs between two directories") \
COMMAND(dump, "dump", 2, 2, "at", NONE, USER, \
	"NS KEY [at=VERSION|HASH]", \
	"give all of a directory as operations that make it") \
COMMAND(put, "put", 2, 2, "lease", MUST, USER, \
	"NS KEY [lease=ID] {N}", \
	"set a value") \
COMMAND(append, "append", 2, 2, "", MUST, USER, \
	"NS KEY {N}", \
	"add bytes to a value") \
COMMAND(mkdir, "mkdir", 2, 2, "", NONE, USER, \
	"NS KEY", \
	"make a directory") \
COMMAND(link, "link", 3, 3, "target-ns", NONE, USER, \
	"NS KEY TARGET [target-ns=NS]", \
	"make a symbolic link") \
COMMAND(unlink, "unlink", 2, 2, "recursive force", NONE, USER, \
	"NS KEY [recursive=1] [force=1]", \
	"remove a key") \
COMMAND(commit, "commit", 1, 1, "hash merge", MUST, USER, \
	"NS [hash=1] [merge=0] {N}", \
	"a transaction: operations and conditions, all or nothing") \
COMMAND(fence, "fence", 3, 3, "timeout", MUST, USER, \
	"NS NAME COUNT [timeout=SECONDS] {N}", \
	"one transaction of what COUNT participants bring") \
COMMAND(ns_create, "ns-create", 1, 1, \
	"owner root lease quota-keys quota-bytes history-versions " \
	"history-time", NONE, OWNER, \
	"NAME [owner=UID] [root=HASH] [lease=ID] [settings as of ns-set]", \
	"create a namespace") \
COMMAND(ns_remove, "ns-remove", 1, 1, "", NONE, OWNER, \
	"NAME", \
	"remove a namespace") \
COMMAND(ns_list, "ns-list", 0, 0, "", NONE, USER, "", \
	"list namespaces") \
COMMAND(ns_set, "ns-set", 1, 1, \
	"quota-keys quota-bytes history-versions history-time", NONE, ADMIN, \
	"NS [quota-keys=N] [quota-bytes=N] [history-versions=N] " \
	"[history-time=SECONDS]", \
	"limit what a namespace holds and keeps") \
COMMAND(ns_info, "ns-info", 1, 1, "", NONE, USER, \
	"NS", \
	"tell what a namespace holds, may hold and keeps") \
COMMAND(quota, "quota", 0, 1, "", NONE, USER, \
	"[UID]", \
	"tell what a user's namespaces hold and may hold") \
COMMAND(quota_set, "quota-set", 1, 1, "quota-keys quota-bytes", NONE, ADMIN, \
	"UID [quota-keys=N] [quota-bytes=N]", \
	"limit what a user's namespaces hold together") \
COMMAND(quota_list, "quota-list", 0, 0, "", NONE, ADMIN, "", \
	"list what users hold and may hold") \
COMMAND(snapshot, "snapshot", 1, 1, "name at", NONE, USER, \
	"NS [name=TEXT] [at=VERSION]", \
	"keep a state of a namespace until it is removed") \
COMMAND(snapshot_remove, "snapshot-remove", 2, 2, "", NONE, USER, \
	"NS NAME", \
	"remove a snapshot") \
COMMAND(snapshot_list, "snapshot-list", 1, 1, "", NONE, USER, \
	"NS", \
	"list the snapshots of a namespace") \
COMMAND(watch, "watch", 2, 2, "mode from offset wait anew", NONE, USER, \
	"NS KEY [mode=latest|append|prefix] [from=VERSION] [offset=N] " \
	"[wait=1] [anew=1]", \
	"be told of changes") \
COMMAND(cancel, "cancel", 1, 1, "", NONE, USER, \
	"TAG", \
	"end a watch, a subscription or a call") \
COMMAND(publish, "publish", 1, 1, "private", MAY, USER, \
	"TOPIC [private=1] [{N}]", \
	"publish an event") \
COMMAND(subscribe, "subscribe", 1, 1, "", NONE, USER, \
	"PREFIX", \
	"receive events") \
COMMAND(serve, "serve", 1, 1, "", NONE, OWNER, \
	"SERVICE", \
	"answer the calls to a service") \
COMMAND(reply, "reply", 1, 1, "more", MAY, OWNER, \
	"ID [more=1] [{N}]", \
	"answer a call") \
COMMAND(fail, "fail", 3, 3, "", NONE, OWNER, \
	"ID CODE TEXT", \
	"answer a call with an error") \
COMMAND(call, "call", 1, 1, "timeout", MAY, USER, \
	"SERVICE.METHOD [timeout=SECONDS] [{N}]", \
	"call a service") \
COMMAND(send, "send", 1, 1, "", MAY, USER, \
	"ENDPOINT [{N}]", \
	"send a message to one client") \
COMMAND(lease, "lease", 1, 1, "", NONE, USER, \
	"SECONDS", \
	"make a lease that keys can be bound to") \
COMMAND(lease_renew, "lease-renew", 1, 1, "", NONE, USER, \
	"ID", \
	"take a lease over to this connection") \
COMMAND(lease_end, "lease-end", 1, 1, "", NONE, USER, \
	"ID", \
	"end a lease and unlink its keys") \
COMMAND(log, "log", 2, 2, "", MUST, OWNER, \
	"LEVEL NAME {N}", \
	"add a line to the instance's log") \
COMMAND(log_read, "log-read", 0, 0, "follow", NONE, OWNER, \
	"[follow=1]", \
	"read the instance's log") \
COMMAND(log_clear, "log-clear", 0, 0, "", NONE, OWNER, "", \
	"empty the instance's log") \
COMMAND(stats, "stats", 0, 0, "clear format", NONE, USER, \
	"[clear=1] [format=json|prometheus]", "counters and gauges") \
COMMAND(gc, "gc", 0, 0, "", NONE, ADMIN, "", \
	"remove what no kept version needs, and wait for that")

/* Operations and conditions in the payload of commit, the same columns
 * without role.  OPERATION(id, word, positional, options, payload, synopsis) */
#define WEIR_OPERATIONS(OPERATION) \
OPERATION(put, "put", 1, "lease", MUST, "KEY [lease=ID] {N}") \
OPERATION(append, "append", 1, "", MUST, "KEY {N}") \
OPERATION(enqueue, "enqueue", 1, "lease suffix", MUST, \
	  "KEY [lease=ID] [suffix=TEXT] {N}") \
OPERATION(mkdir, "mkdir", 1, "", NONE, "KEY") \
OPERATION(link, "link", 2, "target-ns", NONE, "KEY TARGET [target-ns=NS]") \
OPERATION(unlink, "unlink", 1, "recursive force ns", NONE, \
	  "KEY [recursive=1] [force=1] [ns=NS]") \
OPERATION(copy, "copy", 2, "source-ns at", NONE, \
	  "KEY SOURCE [source-ns=NS] [at=VERSION|HASH]") \
OPERATION(graft, "graft", 2, "", NONE, "KEY HASH") \
OPERATION(make_namespace, "make-namespace", 1, "owner", NONE, \
	  "NAME [owner=UID]") \
OPERATION(adopt, "adopt", 2, "", NONE, "KEY NAME") \
OPERATION(if_absent, "if-absent", 1, "", NONE, "KEY") \
OPERATION(if_present, "if-present", 1, "", NONE, "KEY") \
OPERATION(if_value, "if-value", 2, "", NONE, "KEY HASH") \
OPERATION(if_unchanged, "if-unchanged", 2, "", NONE, "KEY VERSION") \
OPERATION(if_root, "if-root", 1, "", NONE, "VERSION")

#endif
