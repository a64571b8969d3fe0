//! What became of those who were called into a conference by REFER: told to the member who has asked for it
//! (`refer.ts`).
import type { Leg } from '../../tables/wired-conference.ts'
import { setProgress } from '../services/refer-progress.ts'
import type { Call } from '../wired/call.ts'
import { isTarget } from '../wired/sessions.ts'
import { leave } from './leave.ts'

/** @param status of somebody who is called: of a group the first answer counts, and the last refusal. */
export function referred(call: Call, leg: Leg, status: number): void {
  const { transfer } = call.session
  if (transfer === null || !isTarget(call.session, leg)) return
  if (status < 200) {
    setProgress(call, status)
    return
  }
  const targets = [transfer.target ?? leg, ...(transfer.also ?? [])]
  const [next, ...rest] = targets.filter((one) => one !== leg)
  if (status >= 300 && next !== undefined) {
    call.change({ transfer: { ...transfer, target: next, also: rest.length === 0 ? null : rest } })
    return
  }
  call.change({ transfer: { ...transfer, target: null, also: null } })
  if (status < 300 && transfer.joins !== true && next !== undefined) {
    for (const other of [next, ...rest]) leave(call, other, { status: 487 })
  }
  setProgress(call, status < 400 && status >= 300 ? 480 : status)
}

/** Another system is tried in the place of this one. */
export function referredElsewhere(call: Call, from: Leg, to: Leg): void {
  const { transfer } = call.session
  if (transfer?.target === from) call.change({ transfer: { ...transfer, target: to } })
}
