#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Who may do what: the owner, admins, other users. weir-protocol(7), Roles.
. "${srcdir:-.}/t/tap.sh"

[ "$(id -u)" -eq 0 ] || skip_all "needs root, to be several users"
command -v setpriv >/dev/null || skip_all "needs setpriv"

# As uid $1: a script on standard input.
talk_as()
{
	setpriv --reuid="$1" --regid="$1" --clear-groups \
		"$WORK/wiretalk" "$SOCKET" 2>&1 |
		sed -E -e 's/(time=)[0-9]+\.[0-9]+/\1TIME/g' \
		-e 's/(sequence=)[0-9]+/\1S/g' \
		-e 's/(hash=)[0-9a-f]{64}/\1HASH/g' \
		-e 's/^\([0-9]+ bytes\)$/(bytes)/'
}
chmod 755 "$WORK"
cp "$builddir/t/tool/wiretalk" "$WORK/wiretalk"

start_kvsd || { ok 1 "kvsd starts"; done_testing; }
got=$(printf 'a open\na eof\n' | talk_as 12345)
like "$got" "*cannot connect: Permission denied*" "others can't even connect"
chmod 666 "$SOCKET"
got=$(printf 'a open\na eof\n' | talk_as 12345)
is "$got" "- err EPERM this instance is for uid 0 only; you are uid 12345
eof" "and if they could, are told and closed"
stop_kvsd

start_kvsd --allow-users --admin=777,778 || ok 1 "kvsd starts"
talk >/dev/null <<'END'
a hello
a send 1 ns-create theirs owner=12345
a send 2 link - way . target-ns=theirs
a send 3 put - secret {1}\ns
a send 4 link theirs out secret target-ns=primary
a send 5 lease 3600
a send 6 ns-create others owner=777
a until 6
END
got=$(talk_as 12345 <<'END'
a open
a send 1 hello 1 endpoint=root
a until 1
a send 2 put theirs k {1}\n1
a until 2
a send 3 get theirs k
a until 3
a send 4 get - secret
a until 4
a send 5 put - k {1}\n1
a until 5
a send 6 get theirs out
a until 6
a send 7 put theirs out {1}\nx
a until 7
a send 8 get - way.k
a until 8
a send 9 list - .
a until 9
a send 10 root -
a until 10
a send 11 root theirs
a until 11
a send 12 watch - secret
a until 12
a send 13 watch theirs out
a until 13
a send 14 watch theirs out wait=1 mode=prefix
a until 14
a send 15 ns-create mine
a until 15
a send 16 ns-list
a until 16
a send 17 publish job.x
a until 17
a send 18 publish mine
a until 18
a send 19 serve x
a until 19
a send 20 log 1 me {1}\nx
a until 20
a send 21 log-read
a until 21
a send 22 put theirs k lease=1 {1}\n1
a until 22
a send 23 lease-end 1
a until 23
a send 24 get theirs k at=0000000000000000000000000000000000000000000000000000000000000000
a until 24
a send 25 commit theirs {17}\nadopt x others2\n\n
a until 25
a send 26 commit theirs {17}\nmake-namespace n\n
a until 26
a send 27 commit theirs {9}\nif-root 1
a until 27
a send 28 sync - 1
a until 28
a send 29 stats
a drain 29
a send 30 put theirs big {16777217}
a until 30
END
)
is "$(echo "$got" | sed -E 's/instance=[^ ]*/instance=I/; s/endpoint=[^ ]*/endpoint=E/; s/\{[0-9]+\}$//')" \
"1 ok protocol=1 server=weir-0.1.0 instance=I endpoint=E uid=12345 role=user payload-max=16777216
2 ok version=2
3 ok version=2 type=value size=1 
1
4 err EPERM namespace primary belongs to another user
5 err EPERM namespace primary belongs to another user
6 err EPERM namespace primary belongs to another user
7 err EPERM operation 1: put out: key out: a link leads into namespace primary, which is not its owner's
8 err EPERM namespace primary belongs to another user
9 err EPERM namespace primary belongs to another user
10 err EPERM namespace primary belongs to another user
11 ok version=2 hash=HASH owner=12345
12 err EPERM namespace primary belongs to another user
13 err EPERM namespace primary belongs to another user
14 err EPERM namespace primary belongs to another user
15 err EPERM ns-create is for the instance's owner; you are uid 12345, role user
16 ok 
theirs 12345 2

17 err EPERM topics that begin with job., node. or instance. are for the instance's owner
18 ok sequence=S
19 err EPERM serve is for the instance's owner; you are uid 12345, role user
20 err EPERM log is for the instance's owner; you are uid 12345, role user
21 err EPERM log-read is for the instance's owner; you are uid 12345, role user
22 err EPERM lease 1 belongs to another user
23 err EPERM lease 1 belongs to another user
24 err EPERM trees by their hash are for the instance's owner
25 err EPERM operation 1: adopt is for the instance's owner
26 err EPERM operation 1: make-namespace is for the instance's owner
27 err EPROTO operation 1: it is not complete
28 err EPERM the namespace belongs to another user
29 ok 
(bytes)
30 err E2BIG the payload of 16777217 bytes is over the limit of 16777216" \
	"a user has what is theirs"

# A fence belongs to the user of the first participant, also in a namespace
# that both may write.
mkfifo "$WORK/first" "$WORK/told"
"$builddir/t/tool/wiretalk" "$SOCKET" <"$WORK/first" >"$WORK/told" &
pid=$!
note_pid $pid
exec 5>"$WORK/first" 6<"$WORK/told"
printf '%s\n' 'a hello' 'a load 1 fence theirs gate 2 | put in {1}\n1\n' \
	'a send 2 root theirs' 'a until 2' >&5
read -r line <&6
before=${line#2 }
got=$(talk_as 12345 <<'END'
a hello
a load 1 fence theirs gate 2 | put in {1}\n2\n
a until 1
a load 2 fence - gate 2 | put in {1}\n2\n
a until 2
a load 3 fence theirs mine 2 | put - mine {1}\n2\n
a until 3
a send 4 get theirs in
a until 4
END
)
is "$got" "1 err EPERM fence gate belongs to another user
2 err EPERM namespace primary belongs to another user
3 err EINVAL operation 1: put has no argument 'mine': put KEY [lease=ID] {N}
4 err ENOENT key in does not exist in namespace theirs" \
	"a user cannot join another's fence"
printf '%s\n' 'a send 3 root theirs' 'a until 3' >&5
read -r line <&6
is "${line#3 }" "$before" "which waits as before"
printf '%s\n' 'a load 4 fence theirs gate 2 | put in.two {1}\n2\n' \
	'a until 1' >&5
read -r line <&6
matches "$line" "^[14] ok version=" "for its second participant"
exec 5>&- 6<&-
wait $pid
forget_pid $pid

got=$(printf '%s\n' 'a open' 'a send 1 hello 1' 'a until 1' \
	'a send 2 put - k {1}\n1' 'a until 2' | talk_as 777)
matches "$got" "role=admin" "an admin"
matches "$got" "^2 err EPERM" "is no owner"

i=1
while [ $i -le 1025 ]; do
	echo "a send $i lease 0"
	i=$((i + 1))
done >"$WORK/script"
got=$({ echo "a hello"; cat "$WORK/script"; echo "a drain 1025"; } |
	talk_as 12345)
is "$got" "1025 err EAGAIN you have 1024 leases: end some" "leases are bounded"

# A hash is no ticket to what it names.
hash=$(WEIR_URI=local://$SOCKET weir kvs getroot -b |
	grep -oE "[0-9a-f]{64}")
got=$(printf '%s\n' 'a hello' "a send 1 commit theirs {73}\\ngraft g $hash\\n" \
	'a until 1' | talk_as 12345)
is "$got" "1 err EPERM operation 1: graft is for the instance's owner" \
	"nobody grafts the tree of another"

# Private events: the publisher's user and the owner.
mkfifo "$WORK/in" "$WORK/out"
setpriv --reuid=12345 --regid=12345 --clear-groups \
	"$WORK/wiretalk" "$SOCKET" <"$WORK/in" >"$WORK/out" &
pid=$!
note_pid $pid
exec 5>"$WORK/in" 6<"$WORK/out"
printf '%s\n' 'a hello' 'a send s subscribe root' 'a until s' >&5
read -r line <&6
matches "$line" "^s ok" "a user subscribes"
talk >/dev/null <<'END'
a hello
a send 1 publish root.private private=1
a send 2 publish root.public
a until 2
END
printf '%s\n' 'a read 1' >&5
read -r line <&6
like "$line" "* s event root.public *" "and is not told the private events of others"
exec 5>&- 6<&-
wait $pid
forget_pid $pid

got=$(talk <<'END'
a hello
a send s subscribe %-
a until s
a send 1 publish mine private=1
a push s event
END
)
matches "$got" "^\* s event mine" "one's own is"

stop_kvsd
is "$KVSD_STATUS" 0 "the server is well"
done_testing
