//! Where a call goes on to: forwarding, transfer in vain, forced release.
import { setTimeout as delay } from 'node:timers/promises'
import { says } from '../../../scripts/phones/sipp-scenario.ts'
import { type Claim, hearsMs } from './claim.ts'

interface Forwarded {
  readonly name: string
  readonly reason: string
  readonly cause: string
  /** What the one who is called first does; null: he is away. */
  readonly first: Play | null
  readonly forward?: string
}

interface Play {
  readonly scenario: string
  readonly values: Readonly<Record<string, string>>
}

const refusing = (status: string): Play => ({ scenario: 'uas-refuses', values: { status } })

const ways: readonly Forwarded[] = [
  {
    name: 'not registered',
    reason: 'unavailable',
    cause: '404',
    first: null,
    forward: 'notRegistered',
  },
  {
    name: 'busy, as the telephone says',
    reason: 'user-busy',
    cause: '486',
    first: refusing('486'),
    forward: 'busy',
  },
  {
    name: 'a 302 of the telephone',
    reason: 'deflection',
    cause: '302',
    first: { scenario: 'uas-moved', values: {} },
  },
]

const forwarded = ways.map(({ name, reason, cause, first, forward }, index): Claim => {
  const key = String(260 + index)
  const [caller, called, target] = [`${key}1`, `${key}2`, `${key}3`]
  const checks = says(
    { Diversion: `sip:${called}@.*;reason=${reason};counter=1` },
    `History-Info: .sip:${called}@.*cause%3D${cause}.;index=1`,
    `History-Info: .sip:${target}@.*;index=1.1`,
  )
  const moved = first === null ? [] : [{ ...first, values: { ...first.values, to: target } }]
  return {
    title: `forwarded, ${name}: who rings then is told why (Diversion, History-Info)`,
    key,
    parts: [
      ...moved.map((play) => ({ ...play, number: called })),
      { number: target, scenario: 'uas-takes', values: { checks } },
      { number: caller, scenario: 'uac-calls', to: called },
    ],
    accounts: { [called]: forward === undefined ? {} : { forward: { [forward]: target } } },
    away: first === null ? [called] : [],
    hears: { [caller]: 'voice', [target]: 'voice' },
  }
})

const circle: Claim = {
  title: 'forwarded in a circle: 482',
  key: '264',
  parts: [{ number: '2641', scenario: 'uac-refused', to: '2642', values: { status: '482' } }],
  accounts: { '2642': { forward: { always: '2643' } }, '2643': { forward: { always: '2642' } } },
}

const list = '<list type="div"><id>sip:2653@[remote_ip]</id></list>'

const byBody: Claim = {
  title: 'a position forwards itself by an OPTIONS with a body (ED-137), and takes it back',
  key: '265',
  parts: [
    {
      number: '2653',
      scenario: 'uas-takes',
      values: { checks: says({ Diversion: 'sip:2652@.*;reason=unconditional' }) },
    },
    {
      number: '2652',
      scenario: 'uac-sets-forwarding',
      to: '2652',
      values: { list, checks: says({}, 'sip:2652@.*.id.sip:2653@') },
    },
    { number: '2651', scenario: 'uac-calls', to: '2652' },
    {
      number: '2652',
      scenario: 'uac-sets-forwarding',
      to: '2652',
      values: { list: '', checks: '<action><lacks text="sip:2653"/></action>' },
    },
    { number: '2652', scenario: 'uas-takes' },
    { number: '2651', scenario: 'uac-calls', to: '2652' },
  ],
  play: async (scene) => {
    for (const step of [[1], [0, 2], [3], [4, 5]]) {
      for (const index of step) scene.begin(index)
      await scene.overFor(...step)
    }
  },
}

interface InVain {
  readonly name: string
  readonly status: string
  /** Absent: the third telephone, which does this. */
  readonly to?: string
  readonly target?: Play
}

const vain: readonly InVain[] = [
  { name: 'nobody has the number', status: '404', to: '2999' },
  { name: 'nobody is there', status: '480' },
  { name: 'the target is busy', status: '486', target: refusing('486') },
  { name: 'the target declines', status: '603', target: refusing('603') },
  { name: 'the way out is not for who transfers', status: '403', to: '75001' },
]

const transfers = vain.map(({ name, status, to, target }, index): Claim => {
  const key = String(270 + index)
  const third = `${key}3`
  return {
    title: `transfer in vain, ${name}: it is told (${status}), and the call goes on`,
    key,
    parts: [
      { number: `${key}2`, scenario: 'uas-takes' },
      ...(target === undefined ? [] : [{ number: third, ...target }]),
      {
        number: `${key}1`,
        scenario: 'uac-transfers',
        to: `${key}2`,
        values: { to: to ?? third, status },
      },
    ],
    away: target === undefined ? [third] : [],
    hears: { [`${key}1`]: 'voice', [`${key}2`]: 'voice' },
  }
})

const onlyTelephoneCalls: Claim = {
  title: 'a call that is no telephone call is not transferred: 400',
  key: '276',
  parts: [
    { number: '2762', scenario: 'uas-takes' },
    {
      number: '2761',
      scenario: 'uac-refers',
      to: '2762',
      values: { more: '\nSubject: IA call\nPriority: urgent', to: '2763', status: '400' },
    },
  ],
  accounts: { '2763': {} },
}

const release: Claim = {
  title:
    'forced release: who may not is refused; who may has the conversation warned, ended (1001), and gets the line',
  key: '280',
  parts: [
    { number: '2802', scenario: 'uas-takes', calls: 2 },
    { number: '2801', scenario: 'uac-released', to: '2802' },
    { number: '2804', scenario: 'uac-refused', to: '*382802', values: { status: '403' } },
    { number: '2803', scenario: 'uac-until-bye', to: '*382802' },
  ],
  accounts: { '2803': { rights: { forceRelease: true } } },
  play: async (scene) => {
    scene.begin(0)
    scene.begin(1)
    await scene.standing({ '2801': 'talking', '2802': 'talking' })
    scene.begin(2)
    await scene.overFor(2)
    scene.begin(3)
    await scene.standing({ '2802': 'talking', '2803': 'talking' })
    await scene.release()
  },
}

const beside: Claim = {
  title: 'an emergency call to a position that talks rings there at once, and is answered beside',
  key: '281',
  parts: [
    { number: '2812', scenario: 'uas-takes', calls: 2 },
    { number: '2811', scenario: 'uac-until-bye', to: '2812' },
    { number: '2813', scenario: 'uac-until-bye', to: '*392812' },
  ],
  accounts: { '2812': { type: 'position' }, '2813': { rights: { priorityMax: 'emergency' } } },
  hears: { '2811': 'voice', '2813': 'voice' },
  play: async (scene) => {
    scene.begin(0)
    scene.begin(1)
    await scene.standing({ '2811': 'talking', '2812': 'talking' })
    scene.begin(2)
    await scene.standing({ '2811': 'talking', '2812': 'talking', '2813': 'talking' })
    await delay(hearsMs)
    await scene.release()
  },
}

export const onwardClaims: readonly Claim[] = [
  ...forwarded,
  circle,
  byBody,
  ...transfers,
  onlyTelephoneCalls,
  release,
  beside,
]
