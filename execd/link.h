/* SPDX-License-Identifier: Apache-2.0 */
/* The link between a node's agent and a job's shell: frames of
 * weir-protocol(7) without tags. It is there from the start; when the agent
 * was started anew the shell connects with the agent's Unix socket, and says
 * again what it has not been told to be durable.
 *
 * shell to agent
 *	hello RANK ID PID		after it has connected
 *	start				all tasks run
 *	output OFFSET {N}		records of weir-output(5), OFFSET bytes
 *					of this shell's came before them
 *	exception TYPE SEVERITY STATUS {N}	STATUS a wait status, N bytes
 *					of note
 *	finish STATUS			all output has been sent
 * agent to shell
 *	tasks {N}, cores {N}, gpus {N}	idsets of the job on this node, before
 *	run ID NODE NNODES NTASKS {N}	the job with this jobspec; the shell
 *					has none, or its result is durable
 *	resume OFFSET			so much output is durable; send from
 *					there on (first, after run or hello)
 *	ack OFFSET			so much is durable by now
 *	input OFFSET {N}		a piece of guest.input
 *	signal NUMBER ORDINAL		the ORDINALth of the job, from 1: each is
 *					delivered once; 0: in any case
 *	done				the result is durable; if the agent has
 *					started this shell, wait for another job
 *	end				as soon as there is none
 */
#ifndef WEIR_EXECD_LINK_H
#define WEIR_EXECD_LINK_H

#define LINK_OUTPUT_MAX	(1u << 20)	/* bytes not yet durable, a shell */
#define LINK_PIECE_MAX	(256u << 10)	/* bytes of output in a frame */
#define LINK_INPUT_MAX	(1u << 20)	/* bytes an agent queues for a shell */
#define LINK_RUN_MAX	(4u << 20)	/* bytes of a jobspec */

#endif
