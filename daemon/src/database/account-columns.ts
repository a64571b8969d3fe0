//! The profile of an account as columns of its row: text each, '' for what its type has.
import { limits } from '../limits.ts'
import {
  type AccountType,
  defaultProfile,
  type Forward,
  type Profile,
  priorities,
} from '../tables/profile.ts'

const profileColumns = [
  'may_intrude',
  'be_intruded',
  'force_release',
  'may_monitor',
  'be_monitored',
  'priority_max',
  'trunk_classes',
  'calls',
  'waiting',
  'no_answer_seconds',
  'instant_access',
  'contacts',
  'hotline',
  'pickup_group',
] as const
/** What its user changes. */
const settingsColumns = [
  'do_not_disturb',
  'forward_always',
  'forward_busy',
  'forward_no_answer',
  'forward_not_registered',
] as const
export const accountColumns = [...profileColumns, ...settingsColumns] as const
/** Those that came later. */
export const newerAccountColumns = ['failure_tones'] as const
const writtenColumns = [...profileColumns, ...newerAccountColumns] as const

type Texts<K extends string> = Readonly<Record<K, string>>
type Row = Readonly<Record<string, string | number>>

/** Values that the type has by itself are not written, so that they follow the type. */
export function profileTexts(
  type: AccountType,
  { rights, line }: Pick<Profile, 'rights' | 'line'>,
): Texts<(typeof writtenColumns)[number]> {
  const usual = defaultProfile(type)
  const written = textsOf(rights, line)
  const own = textsOf(usual.rights, usual.line)
  const texts = writtenColumns.map((name) => [
    name,
    written[name] === own[name] ? '' : written[name],
  ])
  return Object.fromEntries(texts) as Texts<(typeof writtenColumns)[number]>
}

function textsOf(
  rights: Profile['rights'],
  line: Profile['line'],
): Texts<(typeof writtenColumns)[number]> {
  return {
    may_intrude: yesNo(rights.intrude),
    be_intruded: yesNo(rights.beIntruded),
    force_release: yesNo(rights.forceRelease),
    may_monitor: yesNo(rights.monitor),
    be_monitored: yesNo(rights.beMonitored),
    priority_max: rights.priorityMax,
    trunk_classes: rights.trunkClasses.join(' '),
    calls: String(line.calls),
    waiting: String(line.waiting),
    no_answer_seconds: String(line.noAnswerSeconds),
    instant_access: String(line.instantAccess),
    contacts: String(line.contacts),
    hotline: line.hotline ?? '',
    pickup_group: line.pickupGroup ?? '',
    failure_tones: yesNo(line.failureTones),
  }
}

/** @param settings a part of them may be missing: its columns are missing, too. */
export function settingsTexts(settings: {
  readonly doNotDisturb?: boolean | undefined
  readonly forward?: Forward | undefined
}): Partial<Texts<(typeof settingsColumns)[number]>> {
  const { doNotDisturb, forward } = settings
  return {
    ...(doNotDisturb === undefined ? {} : { do_not_disturb: doNotDisturb ? 'yes' : '' }),
    ...(forward === undefined
      ? {}
      : {
          forward_always: forward.always ?? '',
          forward_busy: forward.busy ?? '',
          forward_no_answer: forward.noAnswer ?? '',
          forward_not_registered: forward.notRegistered ?? '',
        }),
  }
}

export function profileOfRow(type: AccountType, row: Row): Profile {
  const usual = defaultProfile(type)
  const text = (name: string) => String(row[name] ?? '')
  const flag = (name: string, unsaid: boolean) =>
    text(name) === '' ? unsaid : text(name) === 'yes'
  const count = (name: string, unsaid: number) => (text(name) === '' ? unsaid : Number(text(name)))
  const some = (name: string) => (text(name) === '' ? null : text(name))
  const { rights, line } = usual
  return {
    rights: {
      intrude: flag('may_intrude', rights.intrude),
      beIntruded: flag('be_intruded', rights.beIntruded),
      forceRelease: flag('force_release', rights.forceRelease),
      monitor: flag('may_monitor', rights.monitor),
      beMonitored: flag('be_monitored', rights.beMonitored),
      priorityMax: priorities.find((one) => one === text('priority_max')) ?? rights.priorityMax,
      trunkClasses: wordsOf(text('trunk_classes')),
    },
    line: {
      calls: count('calls', line.calls),
      waiting: count('waiting', line.waiting),
      noAnswerSeconds: count('no_answer_seconds', line.noAnswerSeconds),
      instantAccess: count('instant_access', line.instantAccess),
      contacts: Math.min(count('contacts', line.contacts), limits.contactsMax),
      hotline: some('hotline'),
      pickupGroup: some('pickup_group'),
      failureTones: flag('failure_tones', line.failureTones),
    },
    settings: {
      doNotDisturb: flag('do_not_disturb', false),
      forward: {
        always: some('forward_always'),
        busy: some('forward_busy'),
        noAnswer: some('forward_no_answer'),
        notRegistered: some('forward_not_registered'),
      },
    },
  }
}

/** A list that is kept with a space between. */
export function wordsOf(text: string): string[] {
  return text.split(' ').filter((word) => word !== '')
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no'
}
