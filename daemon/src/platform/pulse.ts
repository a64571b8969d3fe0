//! The sign of life of a unit to the supervisor that started it: one byte now and then through a pipe
//! that the unit inherits. A unit whose loop stands still writes nothing.
import { Socket } from 'node:net'
import { monotonicMs } from './clock.ts'

/** Set by the supervisor for its units; a unit that was started by hand has none. */
const variable = 'VCCS_PULSE_FD'
const supervisorVariable = 'VCCS_SUPERVISOR_PID'
export const pulseDescriptor = 3
/** Between two signs of life. */
const pulseMs = 250

export function pulseEnvironment(): Readonly<Record<string, string>> {
  return { [variable]: String(pulseDescriptor), [supervisorVariable]: String(process.pid) }
}

/** The supervisor died while it started this unit. Its successor ends the units whose pid files it finds;
 * one that has none yet would stay beside its own successor for ever, and both would say that they
 * are the unit of this node. To be asked once, at the start. */
export function isOrphan(): boolean {
  const supervisor = process.env[supervisorVariable]
  return supervisor !== undefined && supervisor !== String(process.ppid)
}

/** The end of the pipe in a unit, or null. */
export function inheritedPulse(): number | null {
  return process.env[variable] === String(pulseDescriptor) ? pulseDescriptor : null
}

/** For a unit with an event loop. @returns what its loop calls in every turn. */
export function openPulse(): () => void {
  const fd = inheritedPulse()
  if (fd === null) return () => undefined
  const pipe = new Socket({ fd, readable: false, writable: true })
  // Without its supervisor a unit serves on.
  pipe.on('error', () => undefined)
  pipe.unref()
  let dueMs = 0
  return () => {
    const nowMs = monotonicMs()
    if (nowMs < dueMs || pipe.destroyed) return
    dueMs = nowMs + pulseMs
    // A supervisor that reads nothing must not hold the unit up.
    if (pipe.writableLength === 0) pipe.write('.')
  }
}
