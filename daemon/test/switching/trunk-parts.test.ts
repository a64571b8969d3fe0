//! The parts of a trunk that know nothing of calls: numbers, probes, the choice of a way, passwords.
import { createHash } from 'node:crypto'
import test from 'ava'
import fc from 'fast-check'
import { limits } from '../../src/limits.ts'
import { trunkAlarms } from '../../src/oam/trunk-alarms.ts'
import { KnownSources } from '../../src/switching/flood/known-sources.ts'
import { emptyPlan, type Plan, type RoutePlan, type TrunkPlan } from '../../src/switching/plan.ts'
import { chooseTrunk, nextTrunk, type TrunkView } from '../../src/switching/trunk/choice.ts'
import { credentialsFor } from '../../src/switching/trunk/credentials.ts'
import { translated } from '../../src/switching/trunk/numbers.ts'
import { isUncertain, newProbing, stepProbing } from '../../src/switching/trunk/probing.ts'
import { digestChallengeText, parseDigestCredentials } from '../../src/wire/sip/auth.ts'
import { response } from '../../src/wire/sip/write.ts'
import { request } from './transaction-messages.ts'
import { route, trunk } from './trunk-stage.ts'

test('the longest beginning of a number says what stands in its place', (t) => {
  const rules = [
    { from: '', to: '9' },
    { from: '00', to: '+' },
    { from: '0', to: '+86' },
    { from: '7', to: '' },
  ]
  const wanted: Record<string, string> = {
    '0049': '+49',
    '010': '+8610',
    '71234': '1234',
    '1234': '91234',
    '': '9',
  }
  for (const [number, result] of Object.entries(wanted)) t.is(translated(number, rules), result)
  t.is(translated('1234', []), '1234')
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (number) => {
      t.true(translated(number, rules).length <= 64)
    }),
  )
})

test('two lost probes in a row are a loss, two answers in a row a return', (t) => {
  let probing = newProbing(0)
  const seen: string[] = [probing.state]
  for (const [at, event] of [...'aamamamaamm-aam'].entries()) {
    if (event === '-') continue
    probing = stepProbing(probing, event === 'a' ? 'answered' : 'missed', at)
    seen.push(`${event}:${probing.state}`)
  }
  t.deepEqual(seen, [
    'unknown',
    'a:up',
    'a:up',
    'm:up',
    'a:up',
    'm:up',
    'a:up',
    'm:up',
    'a:up',
    'a:up',
    'm:up',
    'm:down',
    'a:down',
    'a:up',
    'm:up',
  ])
  t.is(probing.sinceMs, 13)
  t.true(isUncertain(probing))
})

const plan: Plan = {
  ...emptyPlan,
  trunks: [trunk('a'), trunk('b', { capacity: 2 }), trunk('c')],
  routes: [
    route('first', { pattern: '7XXX', trunks: ['a', 'b'] }),
    route('second', { pattern: '7XXX', trunks: ['c'], priority: 60 }),
    route('abroad', { pattern: '00.', trunks: ['c'], class: 'abroad' }),
    route('strict', { pattern: '8.', trunks: ['a', 'b'], failOver: [] }),
    route('other', { pattern: '.', trunks: ['c'] }),
  ],
}

function view(state: { load?: Record<string, number>; away?: string[]; gone?: string[] } = {}) {
  const made: TrunkView = {
    plan,
    load: (name) => state.load?.[name] ?? 0,
    isThere: (name) => state.away?.includes(name) !== true,
    isReachable: ({ name }: TrunkPlan) => state.gone?.includes(name) !== true,
  }
  return made
}

function routes(...names: string[]): RoutePlan[] {
  return names.flatMap((name) => plan.routes.filter((one) => one.name === name))
}

const inside = { classes: [], from: null }

test('trunks are tried in the order of their routes, without those that are away, full or nowhere', (t) => {
  const seven = routes('first', 'second', 'other')
  const chosen = (state: Parameters<typeof view>[0]) => {
    const choice = chooseTrunk(seven, inside, view(state))
    return choice.kind === 'trunk' ? [choice.trunk.name, choice.rest.length] : choice.status
  }
  t.deepEqual(chosen({}), ['a', 2])
  t.deepEqual(chosen({ away: ['a'] }), ['b', 1])
  t.deepEqual(chosen({ away: ['a'], load: { b: 2 } }), ['c', 0])
  t.deepEqual(chosen({ gone: ['a', 'b'] }), ['c', 0])
  t.deepEqual(chosen({ gone: ['a', 'b', 'c'] }), 503)
})

test('a route that does not go on when a trunk is away or full says so', (t) => {
  const strict = routes('strict')
  const full = chooseTrunk(strict, inside, view({ load: { a: 4_096 } }))
  t.deepEqual(full, { kind: 'refused', status: 503 })
  const away = chooseTrunk(strict, inside, view({ away: ['a'] }))
  t.is(away.kind === 'trunk' ? away.trunk.name : '', 'a', 'it is tried all the same')
})

test('class of service: only its own classes, and from outside no route without one', (t) => {
  const abroad = routes('abroad', 'other')
  t.deepEqual(chooseTrunk(abroad, inside, view()), { kind: 'refused', status: 403 })
  t.is(chooseTrunk(abroad, { classes: ['abroad'], from: null }, view()).kind, 'trunk')
  const transit = { classes: ['abroad'], from: 'a' }
  t.is(chooseTrunk(abroad, transit, view()).kind, 'trunk')
  t.deepEqual(chooseTrunk(routes('first'), transit, view()), { kind: 'refused', status: 403 })
  t.deepEqual(chooseTrunk(abroad, { ...transit, from: 'c' }, view()), {
    kind: 'refused',
    status: 482,
  })
})

test('ways whose trunk or route is no longer in the plan are passed over', (t) => {
  const ways = [
    { route: 'first', trunk: 'gone' },
    { route: 'gone', trunk: 'c' },
  ]
  const choice = nextTrunk(ways, view())
  t.is(choice.kind === 'trunk' ? choice.trunk.name : '', 'c')
})

const login = {
  user: 'tower',
  ha1Md5: '',
  ha1Sha256: '',
  peerRealm: 'b.example',
  peerHa1Md5: createHash('md5').update('tower:b.example:secret').digest('hex'),
  peerHa1Sha256: createHash('sha256').update('tower:b.example:secret').digest('hex'),
}

for (const [status, challenge, header] of [
  [401, 'WWW-Authenticate', 'Authorization'],
  [407, 'Proxy-Authenticate', 'Proxy-Authorization'],
] as const) {
  test(`the password is shown to who asks with ${status}, in its realm and algorithm only`, (t) => {
    const how = { method: 'INVITE', uri: 'sip:1@192.0.2.7', cnonce: 'c0ffee' }
    const asked = (...values: Partial<Parameters<typeof digestChallengeText>[0]>[]) => {
      const headers = values.map((value) => {
        const usual = { realm: 'b.example', nonce: 'n', opaque: 'o', algorithm: 'MD5' }
        return {
          name: challenge,
          value: digestChallengeText({ ...usual, qop: ['auth'], stale: false, ...value }),
        }
      })
      const refused = response(request('INVITE'), status, { toTag: 't', headers })
      return credentialsFor(refused, login, how)
    }
    const md5 = (text: string) => createHash('md5').update(text).digest('hex')
    const ha2 = md5('INVITE:sip:1@192.0.2.7')
    const made = asked({})
    t.is(made?.name, header)
    t.like(parseDigestCredentials(made?.value ?? ''), {
      username: 'tower',
      response: md5(`${login.peerHa1Md5}:n:00000001:c0ffee:auth:${ha2}`),
      opaque: 'o',
    })
    const old = parseDigestCredentials(asked({ qop: [], algorithm: null })?.value ?? '')
    t.like(old, { response: md5(`${login.peerHa1Md5}:n:${ha2}`), qop: null, nc: null })
    const strong = parseDigestCredentials(
      asked({ algorithm: 'SHA-512-256' }, { algorithm: 'SHA-256' })?.value ?? '',
    )
    t.is(strong?.algorithm, 'SHA-256')
    t.is(asked({ realm: 'elsewhere' }), null)
    t.is(asked({ qop: ['auth-int'] }), null)
    t.is(asked(), null)
  })
}

test('a trunk that is down is an alarm with its name and place, and only then', (t) => {
  const one = { name: 'b-1', displayName: 'Neighbour', place: '10.0.2.1:5060' }
  const states = ['up', 'unknown', 'unwatched', 'down'].map((state) => ({ ...one, state }))
  t.deepEqual(trunkAlarms(states), [
    {
      code: 'trunk-down',
      subject: 'b-1',
      detail: 'b-1 (Neighbour) at 10.0.2.1:5060 is silent',
    },
  ])
  t.is(
    trunkAlarms([{ name: 'g', displayName: '', place: null, state: 'down' }])[0]?.detail,
    'g: its gateway is not registered',
  )
})

test('the flood gate knows where the other systems are, as long as they are in the plan', (t) => {
  const known = new KnownSources()
  const peer = { address: '10.0.2.1', port: 5060 }
  known.peersAre([peer])
  t.is(known.budgetOf(peer), limits.floodGatewayPerSecond)
  known.peersAre([peer])
  t.is(known.budgetOf(peer), limits.floodGatewayPerSecond)
  known.peersAre([{ ...peer, port: 5080 }])
  t.is(known.budgetOf(peer), 0)
  known.peersAre([])
  t.false(known.hasAddress('10.0.2.1'))
})
