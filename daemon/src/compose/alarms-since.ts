//! Which alarms the two nodes raise from one moment on.
import { z } from 'zod'
import type { AskPeer } from '../control/session.ts'
import { type AlarmItem, alarmItemSchema } from '../control/status-schema.ts'
import type { AlarmList } from '../oam/alarm-list.ts'

interface AlarmSources {
  readonly list: AlarmList
  readonly askPeer: AskPeer
}

interface Raised {
  readonly criticalAlarms: string[]
  readonly otherAlarms: string[]
}

const shownMax = 50
const answerSchema = z.object({
  active: z.array(alarmItemSchema),
  history: z.array(alarmItemSchema),
})

/** @returns asks for what was raised since this call. The clocks of the nodes do not matter. */
export async function alarmsFromNow(sources: AlarmSources): Promise<() => Promise<Raised>> {
  const before = new Set((await allAlarms(sources)).map(keyOf))
  return async () => {
    const raised = (await allAlarms(sources)).filter((alarm) => !before.has(keyOf(alarm)))
    const critical = ({ severity }: AlarmItem) => severity === 'critical'
    return {
      criticalAlarms: namesOf(raised.filter(critical)),
      otherAlarms: namesOf(raised.filter((alarm) => !critical(alarm))),
    }
  }
}

async function allAlarms({ list, askPeer }: AlarmSources): Promise<AlarmItem[]> {
  const answer = await askPeer('alarms', { history: true })
  const parsed = answerSchema.safeParse(answer.ok ? answer.value : null)
  const theirs = parsed.success ? [...parsed.data.active, ...parsed.data.history] : []
  return [...list.active(), ...list.history(), ...theirs]
}

function keyOf({ code, subject, raisedAt }: AlarmItem): string {
  return `${code} ${subject} ${raisedAt}`
}

function namesOf(alarms: readonly AlarmItem[]): string[] {
  const all = alarms.map(({ code, subject }) => `${code} ${subject}`.trim())
  return [...new Set(all)].slice(0, shownMax)
}
