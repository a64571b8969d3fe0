//! The alarm of a trunk whose other system is away (S1.140).
import type { AlarmReport } from './alarm-list.ts'

/** @param trunks as the primary sees them. */
export function trunkAlarms(
  trunks: readonly {
    readonly name: string
    readonly displayName: string
    readonly state: string
    readonly place: string | null
  }[],
): AlarmReport[] {
  return trunks
    .filter(({ state }) => state === 'down')
    .map(({ name, displayName, place }) => {
      const title = displayName === '' ? name : `${name} (${displayName})`
      const detail =
        place === null
          ? `${title}: its gateway is not registered`
          : `${title} at ${place} is silent`
      return { code: 'trunk-down', subject: name, detail }
    })
}
