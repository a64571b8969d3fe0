//! What happens in a call of two: hold, changes, digits, session timers, descriptions early and late.
import { setTimeout as delay } from 'node:timers/promises'
import { says } from '../../../scripts/phones/sipp-scenario.ts'
import { type Claim, hearsMs, untilReleasedMs } from './claim.ts'

const timer = (seconds: number, refresher: string) =>
  `\nSupported: timer\nSession-Expires: ${seconds};refresher=${refresher}\nMin-SE: 90`

/** A call of `1` to `2`, who plays a scenario that takes it. */
const pair = (
  key: string,
  called: string,
  calls: Omit<Claim['parts'][number], 'number' | 'to'>,
): Pick<Claim, 'key' | 'parts'> => ({
  key,
  parts: [
    { number: `${key}2`, scenario: called, pauseMs: 1_000 },
    { ...calls, number: `${key}1`, to: `${key}2` },
  ],
})

export const sessionClaims: readonly Claim[] = [
  {
    title: 'hold by inactive: the other telephone hears the hold tone, until it is taken back',
    ...pair('240', 'uas-held', { scenario: 'uac-holds', pauseMs: 4_000 }),
    hears: { '2401': 'nothing', '2402': 'hold tone' },
  },
  {
    title: 'held by re-INVITE, retrieved by UPDATE: the other telephone is told, and is heard',
    key: '249',
    parts: [
      { number: '2492', scenario: 'uas-held', values: { talks: '{voice}' } },
      { number: '2491', scenario: 'uac-retrieves', to: '2492', pauseMs: 3_000 },
    ],
    hears: { '2491': 'voice', '2492': 'hold tone' },
  },
  {
    title: 'both change the call at once: who is asked is refused (491), and the hold holds',
    ...pair('241', 'uas-asks-meanwhile', { scenario: 'uac-holds' }),
  },
  {
    title: 'a digit by INFO reaches the other telephone',
    ...pair('242', 'uas-info', { scenario: 'uac-info' }),
  },
  {
    title: 'UPDATE changes the direction, takes it back, and refreshes',
    ...pair('243', 'uas-takes', { scenario: 'uac-updates' }),
  },
  {
    title: 'early media of who is called: described and heard before the answer',
    ...pair('244', 'uas-speaks-early', { scenario: 'uac-hears-early' }),
    hears: { '2441': 'voice' },
  },
  {
    title: 'before the answer: a digit by INFO reaches who speaks, and its UPDATE is answered',
    ...pair('252', 'uas-asks-early', { scenario: 'uac-dials-early' }),
  },
  {
    title: 'an INVITE without a description: offered in the 200, answered in the ACK',
    ...pair('245', 'uas-takes', { scenario: 'uac-offers-late' }),
    hears: { '2451': 'voice', '2452': 'voice' },
  },
  {
    title: 'a session timer that is too short is refused (422), and it is said what is not',
    key: '246',
    parts: [
      {
        number: '2461',
        scenario: 'uac-refused',
        to: '2462',
        values: { more: timer(30, 'uac'), status: '422', checks: says({ 'Min-SE': '90' }) },
      },
    ],
    accounts: { '2462': {} },
  },
  {
    title: 'a session timer is agreed on with each side',
    key: '247',
    parts: [
      {
        number: '2472',
        scenario: 'uas-takes',
        values: {
          checks: says({ 'Session-Expires': '1800', 'Min-SE': '90', Supported: 'timer' }),
        },
      },
      {
        number: '2471',
        scenario: 'uac-calls',
        to: '2472',
        values: {
          more: timer(1_000, 'uac'),
          checks: says({ 'Session-Expires': '1000 *;refresher=uac', Require: 'timer' }),
        },
      },
    ],
  },
  {
    title: 'addresses of IPv6 in the messages of a telephone',
    key: '248',
    parts: [
      { number: '2482', scenario: 'uas-takes' },
      {
        number: '2481',
        scenario: 'uac-calls',
        to: '2482',
        keys: { far: '[2001:db8::9:1]' },
        values: {
          more: '\nVia: SIP/2.0/UDP [far]:5070;received=2001:db8::9:255;branch=z9hG4bKfar',
          checks: says({}, 'Via: SIP/2.0/UDP .2001:db8::9:1.:5070;'),
        },
      },
    ],
    hears: { '2481': 'voice', '2482': 'voice' },
  },
  {
    title: 'call waiting: a second call rings at who talks, a third one finds him busy',
    key: '250',
    parts: [
      { number: '2502', scenario: 'uas-takes', calls: 2 },
      { number: '2501', scenario: 'uac-until-bye', to: '2502' },
      { number: '2503', scenario: 'uac-until-bye', to: '2502' },
      { number: '2504', scenario: 'uac-refused', to: '2502', values: { status: '486' } },
    ],
    accounts: { '2502': { line: { calls: 2 } } },
    play: async (scene) => {
      scene.begin(0)
      scene.begin(1)
      await scene.standing({ '2501': 'talking', '2502': 'talking' })
      scene.begin(2)
      await scene.standing({ '2501': 'talking', '2502': 'talking', '2503': 'talking' })
      scene.begin(3)
      await scene.overFor(3)
      await scene.release()
    },
  },
  {
    title: 'glare: two who call each other are connected, and neither rings',
    key: '251',
    parts: [
      { number: '2512', scenario: 'uas-rings-until-cancel' },
      { number: '2511', scenario: 'uac-until-bye', to: '2512' },
      {
        number: '2512',
        scenario: 'uac-call-with-digest',
        to: '2511',
        isElsewhere: true,
        pauseMs: untilReleasedMs,
      },
    ],
    play: async (scene) => {
      scene.begin(0)
      scene.begin(1)
      await scene.standing({ '2511': 'calling', '2512': 'ringing' })
      scene.begin(2)
      await scene.standing({ '2511': 'talking', '2512': 'talking' })
      await scene.overFor(0)
      await delay(hearsMs)
      await scene.release()
    },
    hears: { '2511': 'voice', '2512': 'voice' },
  },
]
