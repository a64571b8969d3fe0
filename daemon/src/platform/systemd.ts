//! What systemd wants to hear of a service (sd_notify). Node has no datagram socket for unix paths, so
//! `systemd-notify` says it; the unit needs `NotifyAccess=all`.
import { spawn } from 'node:child_process'

/** Started by systemd with Type=notify. */
export function isNotified(): boolean {
  return process.env.NOTIFY_SOCKET !== undefined
}

/** Does nothing outside systemd; never fails, since a service must not die of its own notice. */
export function notifySystemd(...states: readonly string[]): void {
  if (!isNotified()) return
  const child = spawn('systemd-notify', [...states], { stdio: 'ignore' })
  child.on('error', () => undefined)
}

/** Half of the time after which systemd ends a silent service; null: it does not watch. */
export function watchdogMs(): number | null {
  const microseconds = Number(process.env.WATCHDOG_USEC)
  return Number.isFinite(microseconds) && microseconds > 0 ? microseconds / 2_000 : null
}
