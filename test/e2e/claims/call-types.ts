//! The call types of ED-137 volume 2 on the wire, and the headers that say them.
import { says } from '../../../scripts/phones/sipp-scenario.ts'
import { type Claim, untilReleasedMs } from './claim.ts'

const ia = '\nSubject: IA call\nPriority: urgent\nWG67-Version: phone.01'
const direction = (name: string) => `\na=${name}`
/** Nothing rings before the answer. */
const atOnce = '<recv response="100" optional="true"/>'

interface Refused {
  readonly name: string
  readonly more: string
  readonly status: string
  readonly checks?: string
}

const refused: readonly Refused[] = [
  { name: 'an unknown Subject', more: 'Subject: party', status: '400' },
  { name: 'an unknown Priority', more: 'Priority: soon', status: '400' },
  { name: 'IA without urgent', more: 'Subject: IA call\nPriority: normal', status: '400' },
  {
    name: 'a radio session',
    more: 'Subject: radio',
    status: '400',
    checks: says({ Reason: 'WG-67 *; *cause=2006' }),
  },
  {
    name: 'no common WG67 version',
    more: 'WG67-Version: phone.09, radio.01',
    status: '501',
    checks: says({ Reason: 'WG-67 *; *cause=1005' }),
  },
]

const refusals = refused.map(({ name, more, status, checks = '' }, index): Claim => {
  const key = String(210 + index)
  const values = { more: `\n${more}`, status, checks }
  return {
    title: `${name}: ${status}`,
    key,
    parts: [{ number: `${key}1`, scenario: 'uac-refused', to: `${key}2`, values }],
    accounts: { [`${key}2`]: {} },
  }
})

/** Each side, and what it hears: half duplex is the voice of the caller alone. */
const duplexes = [
  { name: 'half duplex', key: '220', caller: 'sendonly', callee: 'recvonly', back: 'nothing' },
  { name: 'full duplex', key: '221', caller: 'sendrecv', callee: 'sendrecv', back: 'voice' },
] as const

const instant = duplexes.map(({ name, key, caller, callee, back }): Claim => {
  const invite = says(
    { Subject: 'IA call', Priority: 'urgent', 'WG67-Version': 'phone.01', 'Answer-Mode': 'Auto' },
    `a=${caller}`,
  )
  const answer = says({ 'WG67-Version': 'phone.01' }, `a=${callee}`)
  return {
    title: `instantaneous access, ${name}: answered at once, as both say`,
    key,
    parts: [
      {
        number: `${key}2`,
        scenario: 'uas-takes',
        values: { checks: invite, media: direction(callee) },
      },
      {
        number: `${key}1`,
        scenario: 'uac-calls',
        to: `${key}2`,
        values: { more: ia, media: direction(caller), checks: answer, progress: atOnce },
      },
    ],
    hears: { [`${key}1`]: back, [`${key}2`]: 'voice' },
  }
})

const ownResource: Claim = {
  title:
    'instantaneous access beside a conversation: its own resource; taken it is 486, and the next call of the same caller takes its place',
  key: '222',
  parts: [
    { number: '2222', scenario: 'uas-takes', calls: 3 },
    { number: '2221', scenario: 'uac-until-bye', to: '2222' },
    {
      number: '2223',
      scenario: 'uac-until-bye',
      to: '2222',
      values: { more: ia, media: direction('sendonly') },
    },
    { number: '2224', scenario: 'uac-refused', to: '2222', values: { more: ia, status: '486' } },
    {
      number: '2223',
      scenario: 'uac-call-with-digest',
      to: '2222',
      isElsewhere: true,
      pauseMs: untilReleasedMs,
      values: { more: ia, media: direction('sendonly') },
    },
  ],
  play: async (scene) => {
    scene.begin(0)
    scene.begin(1)
    await scene.standing({ '2221': 'talking', '2222': 'talking' })
    scene.begin(2)
    await scene.standing({ '2221': 'talking', '2222': 'talking', '2223': 'talking' })
    scene.begin(3)
    await scene.overFor(3)
    scene.begin(4)
    await scene.overFor(2)
    await scene.standing({ '2221': 'talking', '2222': 'talking', '2223': 'talking' })
    await scene.release()
  },
}

/** Who says that he would speak is not heard either. */
const subjects = [
  { subject: 'monitoring', offered: 'recvonly' },
  { subject: 'G/G monitoring', offered: 'recvonly' },
  { subject: 'A/G monitoring', offered: 'sendrecv' },
] as const

const monitoring = subjects.map(({ subject, offered }, index): Claim => {
  const key = String(225 + index)
  const more = `\nSubject: ${subject}\nPriority: non-urgent\nWG67-Version: phone.01`
  return {
    title: `Subject: ${subject} only listens, and needs the right`,
    key,
    parts: [
      {
        number: `${key}2`,
        scenario: 'uas-takes',
        values: {
          checks: says({ Subject: `^ *${subject}`, 'Answer-Mode': 'Auto' }, 'a=recvonly'),
          media: direction('sendonly'),
        },
      },
      {
        number: `${key}1`,
        scenario: 'uac-calls',
        to: `${key}2`,
        values: {
          more,
          media: direction(offered),
          checks: says({}, 'a=sendonly'),
          progress: atOnce,
        },
      },
      {
        number: `${key}3`,
        scenario: 'uac-refused',
        to: `${key}2`,
        values: { more, media: direction('recvonly'), status: '403' },
      },
    ],
    accounts: {
      [`${key}1`]: { rights: { monitor: true } },
      [`${key}2`]: { rights: { beMonitored: true } },
    },
    hears: { [`${key}1`]: 'voice', [`${key}2`]: 'nothing' },
  }
})

export const callTypeClaims: readonly Claim[] = [
  ...refusals,
  ...instant,
  ownResource,
  ...monitoring,
]
