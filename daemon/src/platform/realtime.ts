//! Real-time scheduling of the calling process: SCHED_FIFO, so that neither load nor a collection of
//! garbage of another process delays it. Needs CAP_SYS_NICE or RLIMIT_RTPRIO; works without, later.
import koffi from 'koffi'
import { errorText } from './files.ts'

const schedFifo = 1
/** A child does not inherit it: programs that this process starts run normally. */
const schedResetOnFork = 0x40000000

type RealtimeResult = { readonly ok: true } | { readonly ok: false; readonly detail: string }

/** @param priority 1 to 99; above 50 would stand before the kernel's own interrupt threads. */
export function becomeRealtime(priority: number): RealtimeResult {
  try {
    const libc = koffi.load('libc.so.6')
    const set = libc.func('int sched_setscheduler(int pid, int policy, const int32_t *priority)')
    const result = set(0, schedFifo | schedResetOnFork, new Int32Array([priority]))
    if (result === 0) return { ok: true }
    return { ok: false, detail: `sched_setscheduler failed (errno ${koffi.errno()})` }
  } catch (error) {
    return { ok: false, detail: errorText(error) }
  }
}
