#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Services, calls and messages. weir-protocol(7), Services and messages.
. "${srcdir:-.}/t/tap.sh"

start_kvsd || { ok 1 "kvsd starts"; done_testing; }
ok 0 "kvsd starts"
uid=$(id -u)

got=$(talk <<'END'
s hello endpoint=server
s send sv serve calc
s until sv
c hello endpoint=client
c send 1 call calc.add.more {3}\n1 2
s read 1
s send - reply 1 {1}\n3
c read 1
c send 2 call calc.stream
s read 1
s send r1 reply 2 more=1 {1}\na
s send r2 reply 2 more=1
s send r3 reply 2
s until r3
c until 2
c send 3 call calc.bad
s read 1
s send f fail 3 EINVAL not%20a%20number
s until f
c read 1
c send 4 call none.at
c read 1
s send r4 reply 3
s read 1
c send r5 reply 3
c read 1
c send - call calc.once timeout=0.01 {1}\nx
s read 1
s send r6 reply 4
s read 1
END
)
is "$got" "sv ok
* sv call 1 add.more uid=$uid role=owner from=client {3}
1 2
1 ok {1}
3
* sv call 2 stream uid=$uid role=owner from=client
r1 ok
r2 ok
r3 ok
2 more {1}
a
2 more
2 ok
* sv call 3 bad uid=$uid role=owner from=client
f ok
3 err EINVAL not a number
4 err ENOSYS nobody serves none
r4 err ENOENT no call 3 waits for your reply
r5 err ENOENT no call 3 waits for your reply
* sv call 4 once uid=$uid role=owner from=client {1}
x
r6 err ENOENT no call 4 waits for your reply" "call, reply, more, fail"

got=$(talk <<'END'
s hello
s send sv serve calc
s until sv
t hello
t send x serve calc
t read 1
c hello endpoint=client
c send 1 call calc.a
s push sv call
c send 2 cancel 1
c until 2
s push sv dropped
c send 3 call calc.b timeout=0.01
c until 3
s push sv call
s push sv dropped
c send 4 call calc.c
s push sv call
c close
s push sv dropped
d hello endpoint=d
d send 5 call calc.d
s push sv call
s close
d until 5
d send 6 call calc.e timeout=0.01
d until 6
d send 6 call calc.e {2}\nhi
d send 8 call calc.e
d send c cancel 8
d until c
t send y serve calc
t until y
t push y call
t send z cancel y
t until z
d until 6
d send 9 call calc.e
d until 9
t send v serve calc
t until v
d send 7 call calc.f
t push v call
t send z cancel v
t until z
d until 7
END
)
is "$(echo "$got" | sed -E 's/(call|dropped) [0-9]+/\1 N/')" "sv ok
x err EEXIST calc is served already
* sv call N a uid=$uid role=owner from=client
1 err ECANCELED canceled
2 ok
* sv dropped N
3 err ETIMEDOUT the service did not answer in time
* sv call N b uid=$uid role=owner from=client
* sv dropped N
* sv call N c uid=$uid role=owner from=client
* sv dropped N
* sv call N d uid=$uid role=owner from=d
5 err ECONNRESET who served it has gone
6 err ETIMEDOUT nobody serves calc
8 err ECANCELED canceled
c ok
y ok
* y call N e uid=$uid role=owner from=d {2}
hi
* y end ECANCELED canceled
z ok
6 err ECONNRESET who served it has gone
9 err ENOSYS nobody serves calc
v ok
* v call N f uid=$uid role=owner from=d
* v end ECANCELED canceled
z ok
7 err ECONNRESET who served it has gone" \
	"cancel, time limit, callers and services that leave"

# A reply sent after a commit is not seen before it.
got=$(talk <<'END'
s hello
s send sv serve set
s until sv
c hello
c send 1 call set.it
s push sv call
s raw p put - it {1}\n1\n- reply 11 {4}\ndone\n
c until 1
c send 2 get - it
c until 2
END
)
matches "$(echo "$got" | tail -1)" '^1$' "who got the reply sees what was committed before it"

# And an event does not overtake the commit before it; nor does a call.
got=$(talk <<'END'
a hello
b hello
b send s subscribe x
b until s
a raw 1 put - e {1}\n1\n2 publish x\n
b push s event
b send 3 get - e
b until 3
s hello
s send sv serve set
s until sv
a raw 4 put - e {1}\n2\n5 call set.x\n
s push sv call
s send 6 get - e
s until 6
END
)
is "$(echo "$got" | grep -A1 '^[36] ok' | grep -v -e ok -e '^--' | tr -d '\n')" 12 \
	"events and calls don't overtake the commit before them"

got=$(talk <<'END'
a hello endpoint=a
b hello endpoint=b%20b
a send 1 send b%20b {2}\nhi
b read 1
a read 1
b send 2 send a
a read 1
b read 1
a send 3 send nobody
a read 1
b close
a send p ping
a drain p
END
)
is "$got" "* - message a uid=$uid {2}
hi
1 ok
* - message b%20b uid=$uid
2 ok
3 err EHOSTUNREACH there is no endpoint nobody
p ok time=TIME" "messages"

# A caller that only closed its side is answered; one that has gone is noticed.
got=$(talk <<'END'
s hello
s send sv serve half
s until sv
a hello endpoint=a
a send 1 call half.open
a shut
s push sv call
s send - reply 13 {4}\ndone
a eof
b hello endpoint=b
b send 1 call half.open
b shut
s push sv call
b close
s push sv dropped
c hello endpoint=c
c send 1 call half.open
s push sv call
c send 2 quit
s push sv dropped
c eof
END
)
is "$got" "sv ok
* sv call 13 open uid=$uid role=owner from=a
1 ok {4}
done
eof
* sv call 14 open uid=$uid role=owner from=b
* sv dropped 14
* sv call 15 open uid=$uid role=owner from=c
* sv dropped 15
2 ok
eof" "callers that close one side or both, or quit"

stop_kvsd
is "$KVSD_STATUS" 0 "the server is well"
is "$(grep -c -i -e sanitizer -e "error:" "$WORK/stderr")" 0 \
	"and nothing was wrong"
done_testing
