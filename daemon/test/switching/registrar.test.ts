//! REGISTER: digest, bindings, expiry, order, and the take-over.
import test from 'ava'
import fc from 'fast-check'
import { limits } from '../../src/limits.ts'
import { bindingsOf, isFromContact } from '../../src/switching/registrar/bindings.ts'
import { readCredentials } from '../../src/switching/registrar/credentials.ts'
import { digestResponse } from '../../src/switching/registrar/digest.ts'
import { NonceCounts } from '../../src/switching/registrar/nonce-counts.ts'
import { expired } from '../../src/switching/registrar/registrar.ts'
import { type DigestCredentials, parseDigestChallenge } from '../../src/wire/sip/auth.ts'
import { header, headerValues } from '../../src/wire/sip/message.ts'
import {
  authorize,
  challengeOf,
  contactsOf,
  hash,
  realm,
  registerRequest,
  Site,
  startMs,
  tryOnce,
} from './registrar-site.ts'
import { phone } from './transaction-messages.ts'

const contact = 'Contact: <sip:200@192.0.2.9:5062;line=1>'

test('the digest of the example of RFC 7616 3.9.1 is right with both algorithms', (t) => {
  const common =
    'Digest username="Mufasa", realm="http-auth@example.org", uri="sip:dir", nc=00000001, qop=auth, ' +
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", ' +
    'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"'
  const wanted = {
    MD5: '8ca523f5e9506fed4657c9700eebdbec',
    'SHA-256': '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
  }
  for (const [algorithm, response] of Object.entries(wanted)) {
    const text = `${common}, algorithm=${algorithm}, response="${response}"`
    const result = readCredentials(text)
    if (result.kind !== 'credentials') return t.fail(result.kind)
    // The example asks for an HTTP path, which is no URI of SIP.
    const credentials = { ...result.credentials, uriText: '/dir/index.html' }
    const name = algorithm === 'MD5' ? 'md5' : 'sha256'
    const ha1 = hash(name, 'Mufasa:http-auth@example.org:Circle of Life')
    t.is(digestResponse('GET', credentials, ha1), response)
  }
})

test('the digest of the example of RFC 2617 3.5 is right', (t) => {
  const text =
    'Digest username="Mufasa", realm="testrealm@host.com", uri="sip:dir", qop=auth, nc=00000001, ' +
    'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", cnonce="0a4f113b", ' +
    'response="6629fae49393a05397450978507c4ef1"'
  const result = readCredentials(text)
  if (result.kind !== 'credentials') return t.fail(result.kind)
  const credentials = { ...result.credentials, uriText: '/dir/index.html' }
  t.is(credentials.algorithm, 'MD5')
  const ha1 = hash('md5', 'Mufasa:testrealm@host.com:Circle Of Life')
  t.is(digestResponse('GET', credentials, ha1), credentials.response)
})

test('a challenge offers SHA-256 before MD5, with one nonce and qop auth', (t) => {
  const challenge = challengeOf(new Site())
  t.is(challenge.status, 401)
  const offered = headerValues(challenge, 'WWW-Authenticate').map(parseDigestChallenge)
  t.deepEqual(
    offered.map((one) => one?.algorithm),
    ['SHA-256', 'MD5'],
  )
  t.is(offered[0]?.nonce, offered[1]?.nonce)
  for (const one of offered) t.like(one, { realm, qop: ['auth'], stale: false })
})

for (const [index, algorithm] of ['SHA-256', 'MD5'].entries()) {
  test(`a right ${algorithm} password registers, a wrong one and an unknown user get the same 403`, (t) => {
    const site = new Site()
    const wrong = tryOnce(site, authorize(challengeOf(site), { index, password: 'wrong' }))
    t.is(wrong.status, 403)
    const stranger = authorize(challengeOf(site), { index, username: '999' })
    const to = registerRequest(['Contact: <sip:999@192.0.2.9>', stranger])
    const record = { ...to.to, uri: { ...to.to.uri, user: '999' } }
    const unknown = site.receive({ ...to, to: record }).response
    t.deepEqual({ ...unknown, to: wrong.to }, wrong)
    t.is(site.users.size, 0)
    t.is(tryOnce(site, authorize(challengeOf(site), { index })).status, 200)
    t.is(site.users.size, 1)
  })
}

test('the password of another user does not register this one', (t) => {
  const site = new Site()
  const other = authorize(challengeOf(site), { username: '201', password: 'other' })
  t.is(tryOnce(site, other).status, 403)
  const renamed = authorize(challengeOf(site), { changed: { username: '201' } })
  t.is(tryOnce(site, renamed).status, 403)
})

test('no digest is right for a number that nobody has, not even over an HA1 of zeros', (t) => {
  const site = new Site()
  const line = authorize(challengeOf(site), {})
  const result = readCredentials(line.slice('Authorization: '.length))
  if (result.kind !== 'credentials') return t.fail(result.kind)
  const response = digestResponse('REGISTER', result.credentials, '0'.repeat(32))
  const forged = authorize(challengeOf(site), {
    changed: { response, nonce: result.credentials.nonce },
  })
  const message = registerRequest([forged])
  const claim = { username: '200', account: null }
  t.is(site.digest.check(message, claim, site.nowMs).kind, 'forbidden')
})

test('a nonce of the other node is stale, also an unused one, and its answer is taken once', (t) => {
  const users = new Map()
  const [a, b] = [new Site(users), new Site(users)]
  b.nowMs += 1_500
  a.digest.begin('first')
  const captured = authorize(challengeOf(a), {})
  t.is(tryOnce(a, captured).status, 200)
  const underWay = authorize(challengeOf(a), {})
  b.digest.begin('second')
  for (const [at, line] of [captured, underWay].entries()) {
    const again = tryOnce(b, line, { cseq: 10 * at + 10 })
    t.is(again.status, 401)
    t.true(parseDigestChallenge(header(again, 'WWW-Authenticate') ?? '')?.stale)
    const answer = authorize(again, {})
    t.is(tryOnce(b, answer, { cseq: 10 * at + 11 }).status, 200)
    t.is(tryOnce(b, answer, { cseq: 10 * at + 12 }).status, 401)
  }
})

test('a nonce of before is refused when the same node serves again: it has forgotten the counts', (t) => {
  const site = new Site()
  const line = authorize(challengeOf(site), {})
  t.is(tryOnce(site, line).status, 200)
  site.digest.begin('again')
  t.is(tryOnce(site, line, { cseq: 2 }).status, 401)
})

test('no nonce of a foreign pair proves anything', (t) => {
  const a = new Site()
  const foreign = challengeOf(new Site(new Map(), 'secret of others'))
  const again = tryOnce(a, authorize(foreign, {}))
  t.is(again.status, 401)
  t.true(parseDigestChallenge(header(again, 'WWW-Authenticate') ?? '')?.stale)
  const guessed = tryOnce(a, authorize(foreign, { password: 'wrong' }))
  t.is(guessed.status, 401)
  t.false(parseDigestChallenge(header(guessed, 'WWW-Authenticate') ?? '')?.stale)
})

test('an aged nonce is stale: the telephone asks no person for a password', (t) => {
  const site = new Site()
  const challenge = challengeOf(site)
  site.nowMs += limits.nonceMsMax - limits.nonceStepMs
  t.is(tryOnce(site, authorize(challenge, { nc: '00000001' })).status, 200)
  site.nowMs += limits.nonceStepMs + 1
  const late = tryOnce(site, authorize(challenge, { nc: '00000002' }), { cseq: 2 })
  t.is(late.status, 401)
  for (const value of headerValues(late, 'WWW-Authenticate'))
    t.true(parseDigestChallenge(value)?.stale)
  t.is(tryOnce(site, authorize(late, {}), { cseq: 3 }).status, 200)
  const future = challengeOf(site)
  site.nowMs -= limits.nonceMsMax + limits.nonceStepMs
  t.is(tryOnce(site, authorize(future, {}), { cseq: 4 }).status, 401)
})

test('the repetitions of a request get the same challenge, and other requests other ones', (t) => {
  const site = new Site()
  const nonce = (parts: object, lines: string[] = []) =>
    header(site.receive(registerRequest(lines, parts)).response, 'WWW-Authenticate')
  const first = nonce({ cseq: 1, branch: 'z9hG4bK-1' })
  site.nowMs += 1
  t.is(nonce({ cseq: 1, branch: 'z9hG4bK-1' }), first)
  t.not(nonce({ cseq: 2, branch: 'z9hG4bK-1' }), first)
  t.not(nonce({ cseq: 1, branch: 'z9hG4bK-2' }), first)
})

test('a captured request is not accepted twice, and nonce counts may leave gaps', (t) => {
  const site = new Site()
  const challenge = challengeOf(site)
  const statuses = ['00000001', '00000003', '00000002', '00000003', '000000ff', '00000002'].map(
    (nc, at) => tryOnce(site, authorize(challenge, { nc }), { cseq: at + 1 }).status,
  )
  t.deepEqual(statuses, [200, 200, 200, 401, 200, 401])
})

test('nonce counts: each is taken once, in any order within the window, in bounded memory', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 80 }), { maxLength: 60 }), (counts) => {
      const window = new NonceCounts()
      const taken = new Set<number>()
      for (const count of counts) {
        const highest = Math.max(0, ...taken)
        t.is(window.use('n', count), !taken.has(count) && count > highest - 32)
        if (count > highest - 32) taken.add(count)
      }
    }),
  )
  const jumped = new NonceCounts()
  t.deepEqual(
    [1, 34, 33, 2].map((count) => jumped.use('n', count)),
    [true, true, true, false],
  )
  const bounded = new NonceCounts(10)
  for (let n = 0; n < 100; n += 1) bounded.use(`nonce ${n}`, 1)
  t.is(bounded.size, 10)
  const aged = new NonceCounts()
  for (let n = 0; n < 100; n += 1) aged.use(`nonce ${n}`, 1, n)
  aged.forgetBefore(90)
  t.is(aged.size, 10)
  t.false(aged.use('nonce 95', 1, 100))
})

const badCredentials: [string, Partial<DigestCredentials>][] = [
  ['another URI', { uri: 'sip:192.0.2.77' }],
  ['a URI that is none', { uri: '///' }],
  ['no qop', { qop: null, nc: null }],
  ['qop auth-int', { qop: 'auth-int' }],
  ['nonce count 0', { nc: '00000000' }],
  ['a nonce count that is no number', { nc: 'zzzzzzzz' }],
]
for (const [name, changed] of badCredentials) {
  test(`credentials with ${name} are answered 400`, (t) => {
    const site = new Site()
    t.is(tryOnce(site, authorize(challengeOf(site), { changed })).status, 400)
    t.is(site.users.size, 0)
  })
}

const otherCredentials: [string, string][] = [
  ['another scheme', 'Authorization: Basic MjAwOnJpZ2h0'],
  [
    'another realm',
    'Authorization: Digest username="200", realm="x", nonce="n", uri="sip:192.0.2.1", response="00", qop=auth, nc=00000001, cnonce="c"',
  ],
  [
    'another algorithm',
    'Authorization: Digest username="200", realm="vccs", nonce="n", uri="sip:192.0.2.1", response="00", algorithm=SHA-512-256, qop=auth, nc=00000001, cnonce="c"',
  ],
]
for (const [name, line] of otherCredentials) {
  test(`credentials for ${name} are no credentials: 401`, (t) => {
    t.is(tryOnce(new Site(), line).status, 401)
  })
}

test('a registration is in table 1 with contact, place, times, Call-ID and CSeq', (t) => {
  const site = new Site()
  const ok = site.register([contact, 'Expires: 600'], { callId: 'r1' })
  t.is(ok.status, 200)
  t.deepEqual(contactsOf(ok), ['<sip:200@192.0.2.9:5062;line=1>;expires=600'])
  t.is(header(ok, 'Date'), 'Fri, 02 Jan 2026 03:04:05 GMT')
  t.true(ok.to.parameters.has('tag'))
  t.deepEqual(site.users.get('200'), {
    user: '200',
    type: 'telephone',
    status: 'online',
    contact: 'sip:200@192.0.2.9:5062;line=1',
    address: '192.0.2.9',
    port: 5062,
    registeredAtMs: startMs,
    expiresAtMs: startMs + 600_000,
    callId: 'r1',
    cseq: 1,
    q: null,
    path: null,
    instance: null,
    others: null,
  })
})

test('a contact with a host name, or with no address, is reached where the REGISTER came from', (t) => {
  const site = new Site()
  for (const host of ['phone.example:5099', '0.0.0.0', '[::]']) {
    t.is(site.register([`Contact: <sip:200@${host}>`]).status, 200)
    t.like(site.users.get('200'), phone)
  }
  site.register(['Contact: <sip:200@[2001:db8::9]>'])
  t.like(site.users.get('200'), { address: '192.0.2.9', port: 5060 })
  site.register(['Contact: <sip:200@[::ffff:192.0.2.77]:5066>'])
  t.like(site.users.get('200'), { address: '192.0.2.77', port: 5066 })
})

const expiries: [string, string[], number | null][] = [
  ['the parameter wins over the header', [`${contact};expires=60`, 'Expires: 600'], 60],
  ['none gives the default', [contact], limits.registrationSecondsDefault],
  [
    'a malformed one counts as none',
    [`${contact};expires=soon`],
    limits.registrationSecondsDefault,
  ],
  ['a long one is capped', [`${contact};expires=99999`], limits.registrationSecondsMax],
  [
    'the shortest is allowed',
    [`${contact};expires=${limits.registrationSecondsMin}`],
    limits.registrationSecondsMin,
  ],
  ['a shorter one is refused', [`${contact};expires=${limits.registrationSecondsMin - 1}`], null],
]
for (const [name, lines, seconds] of expiries) {
  test(`expiry: ${name}`, (t) => {
    const site = new Site()
    const answered = site.register(lines)
    if (seconds === null) {
      t.is(answered.status, 423)
      t.is(header(answered, 'Min-Expires'), String(limits.registrationSecondsMin))
    } else t.deepEqual(contactsOf(answered), [`<sip:200@192.0.2.9:5062;line=1>;expires=${seconds}`])
    t.is(site.users.size, seconds === null ? 0 : 1)
  })
}

test('a query tells the binding and the time that is left of it', (t) => {
  const site = new Site()
  t.deepEqual(contactsOf(site.register([])), [])
  site.register([contact, 'Expires: 600'])
  site.nowMs += 100_500
  t.deepEqual(contactsOf(site.register([])), ['<sip:200@192.0.2.9:5062;line=1>;expires=500'])
})

test('one binding a user: the newest wins, also when it removes the old one in the same request', (t) => {
  const site = new Site()
  site.register([contact])
  const moved = ['Contact: <sip:200@192.0.2.10>', 'Contact: <sip:200@192.0.2.9:5062>;expires=0']
  const answered = site.register(moved, { callId: 'other' })
  t.deepEqual(contactsOf(answered), ['<sip:200@192.0.2.10>;expires=3600'])
  t.is(site.users.get('200')?.address, '192.0.2.10')
  const two = site.register(['Contact: <sip:200@192.0.2.11>, <sip:200@192.0.2.12>'])
  t.deepEqual(contactsOf(two), ['<sip:200@192.0.2.11>;expires=3600'])
})

/** The account 202 may have three contacts. */
const several = { to: '202', password: 'third' }
const at = (host: string, more = '') => `Contact: <sip:202@192.0.2.${host}>${more}`

test('several contacts: each stays until it ends, the highest q and the newest come first', (t) => {
  const site = new Site()
  site.register([at('1', ';q=0.5;expires=600')], { callId: 'one' }, several)
  site.nowMs += 1_000
  site.register([at('2', ';q=0.5;expires=600')], { callId: 'two' }, several)
  site.nowMs += 1_000
  const all = site.register([at('3', ';expires=60')], { callId: 'three' }, several)
  t.deepEqual(contactsOf(all), [
    '<sip:202@192.0.2.3>;expires=60',
    '<sip:202@192.0.2.2>;expires=599;q=0.5',
    '<sip:202@192.0.2.1>;expires=598;q=0.5',
  ])
  t.is(site.users.get('202')?.address, '192.0.2.3')
  const left = expired(site.users.values(), site.nowMs + 60_000)
  t.deepEqual(
    left.map((change) => (change.kind === 'put' ? bindingsOf(change.user) : [])),
    [bindingsOf(site.users.get('202') ?? t.fail()).slice(1)],
  )
  const query = site.register([], { callId: 'four' }, several)
  t.is(contactsOf(query).length, 3)
  const removed = site.register([at('2', ';expires=0')], { callId: 'five' }, several)
  t.deepEqual(
    contactsOf(removed).map((one) => one.slice(0, 19)),
    ['<sip:202@192.0.2.3>', '<sip:202@192.0.2.1>'],
  )
  t.deepEqual(
    contactsOf(site.register(['Contact: *', 'Expires: 0'], { callId: 'six' }, several)),
    [],
  )
  t.is(site.users.size, 0)
})

test('one contact more than the account may have takes the place of the oldest', (t) => {
  const site = new Site()
  for (const host of ['1', '2', '3', '4']) {
    site.nowMs += 1_000
    site.register([at(host)], { callId: host }, several)
  }
  const contacts = bindingsOf(site.users.get('202') ?? t.fail()).map(({ address }) => address)
  t.deepEqual(contacts, ['192.0.2.4', '192.0.2.3', '192.0.2.2'])
  const many = ['5;q=0.1', '6;q=0.9', '7', '8;q=0.2'].map((one) => {
    const [host, q] = one.split(';')
    return at(host ?? '', q === undefined ? '' : `;${q}`)
  })
  site.register(many, { callId: 'many' }, several)
  t.deepEqual(
    bindingsOf(site.users.get('202') ?? t.fail()).map(({ address }) => address),
    ['192.0.2.7', '192.0.2.6', '192.0.2.8'],
  )
})

test('a terminal that has started again at another port takes the place of its own contact alone', (t) => {
  const site = new Site()
  const by = (urn: string, flow = '') => `;+sip.instance="<urn:uuid:${urn}>"${flow}`
  const ports = () =>
    bindingsOf(site.users.get('202') ?? t.fail()).map(({ contact }) => contact.slice(18))
  const register = (port: string, more: string) => {
    site.nowMs += 1_000
    site.register([at(`1:${port}`, more)], { callId: `at-${port}-${more.length}` }, several)
  }
  register('5061', '')
  register('5062', by('a'))
  for (const port of ['5070', '5071', '5072']) register(port, by('b'))
  t.deepEqual(ports(), ['5072', '5062', '5061'], 'the others are there')
  // RFC 5626 6: each flow of a terminal is a contact of its own.
  register('5073', by('b', ';reg-id=1'))
  register('5074', by('b', ';reg-id=2'))
  t.deepEqual(ports(), ['5074', '5073', '5072'])
  register('5075', by('b', ';reg-id=1'))
  t.deepEqual(ports(), ['5075', '5074', '5072'])
  // What names no terminal is a contact like any other.
  for (const broken of [';+sip.instance', ';+sip.instance="x"', by('c'.repeat(300))]) {
    register('5080', broken)
    register('5081', broken)
    t.deepEqual(ports().slice(0, 2), ['5081', '5080'], broken)
  }
})

test('a request about several contacts is done as a whole or not at all', (t) => {
  const site = new Site()
  site.register([at('1')], { callId: 'a', cseq: 7 }, several)
  site.register([at('2')], { callId: 'b', cseq: 3 }, several)
  const before = structuredClone([...site.users])
  for (const [lines, parts] of [
    [[at('3'), at('1', ';expires=0')], { callId: 'a', cseq: 6 }],
    [[at('3'), at('4', ';expires=5')], { callId: 'c', cseq: 1 }],
    [['Contact: *', 'Expires: 0'], { callId: 'a', cseq: 6 }],
  ] as const) {
    t.true([423, 500].includes(site.register([...lines], parts, several).status))
    t.deepEqual([...site.users], before)
  }
  const done = site.register([at('3'), at('1', ';expires=0')], { callId: 'a', cseq: 8 }, several)
  t.is(contactsOf(done).length, 2)
  const again = site.register([at('3'), at('1', ';expires=0')], { callId: 'a', cseq: 8 }, several)
  t.deepEqual(contactsOf(again), contactsOf(done), 'repeated to the other node')
})

test('a q that is none counts as none', (t) => {
  const site = new Site()
  for (const q of ['2', '-1', '0.1234', 'high', '1.5']) {
    site.register([at('1', `;q=${q}`)], { callId: q }, several)
    t.is(site.users.get('202')?.q, null, q)
  }
  site.register([at('1', ';q=0.125')], { callId: 'good' }, several)
  t.is(site.users.get('202')?.q, 125)
})

test('the way through proxies is kept and told (RFC 3327), and what comes over it is not known', (t) => {
  const site = new Site()
  const path = ['Path: <sip:edge.example;lr>', 'Path: <sip:10.0.0.7;lr>']
  const answered = site.register([contact, 'Supported: path', ...path])
  t.deepEqual(headerValues(answered, 'Path'), ['<sip:edge.example;lr>', '<sip:10.0.0.7;lr>'])
  const user = site.users.get('200')
  t.deepEqual(user?.path, ['<sip:edge.example;lr>', '<sip:10.0.0.7;lr>'])
  t.like(user, phone, 'it is reached where the request came from')
  t.false(isFromContact(user, phone, site.nowMs))
  const long = `Path: ${Array.from({ length: 5 }, () => '<sip:p;lr>').join(', ')}`
  t.is(site.register([contact, long]).status, 400)
  t.is(site.register([contact, 'Path: nonsense <']).status, 400)
  site.register([contact])
  t.true(isFromContact(site.users.get('200'), { address: '192.0.2.9', port: 5062 }, site.nowMs))
})

test('a user that is offline has no binding', (t) => {
  const site = new Site()
  site.register([contact])
  const user = site.users.get('200')
  if (user === undefined) return t.fail('the user is registered')
  site.users.set('200', { ...user, status: 'offline' })
  t.deepEqual(contactsOf(site.register([])), [])
})

test('unregister by star, by contact, and not by the contact of another telephone', (t) => {
  const site = new Site()
  for (const lines of [['Contact: *', 'Expires: 0'], [`${contact};expires=0`]]) {
    site.register([contact])
    t.is(site.users.size, 1)
    const answered = site.register(lines)
    t.is(answered.status, 200)
    t.deepEqual(contactsOf(answered), [])
    t.is(site.users.size, 0)
  }
  site.register([contact])
  t.is(site.register(['Contact: <sip:200@192.0.2.44>;expires=0']).status, 200)
  t.is(site.users.size, 1)
})

test('a REGISTER that was overtaken changes nothing: Call-ID and CSeq', (t) => {
  const site = new Site()
  site.register([contact], { cseq: 10 })
  const late = site.register(['Contact: *', 'Expires: 0'], { cseq: 9 })
  t.is(late.status, 500)
  const equal = site.register(['Contact: <sip:200@192.0.2.66>'], { cseq: 10 })
  t.is(equal.status, 500)
  t.is(site.users.get('200')?.address, '192.0.2.9')
  t.is(
    site.register(['Contact: <sip:200@192.0.2.66>'], { cseq: 1, callId: 'rebooted' }).status,
    200,
  )
})

test('after a take-over the repeated REGISTER is answered again, and registrations expire', (t) => {
  const a = new Site()
  a.register([contact, 'Expires: 600'], { cseq: 4 })
  const b = new Site(new Map(a.users))
  b.nowMs += 2_000
  const before = structuredClone([...b.users])
  const repeated = b.register([contact, 'Expires: 600'], { cseq: 4 })
  t.deepEqual(contactsOf(repeated), ['<sip:200@192.0.2.9:5062;line=1>;expires=598'])
  t.deepEqual([...b.users], before)
  t.deepEqual(expired(b.users.values(), startMs + 599_999), [])
  t.deepEqual(expired(b.users.values(), startMs + 600_000), [{ kind: 'delete', user: '200' }])
  b.nowMs = startMs + 600_000
  t.deepEqual(contactsOf(b.register([])), [])
})

const refusedContacts: [string, string[]][] = [
  ['a star without Expires: 0', ['Contact: *', 'Expires: 60']],
  ['a star without Expires', ['Contact: *']],
  ['a tel contact', ['Contact: <tel:200>']],
  ['a sips contact', ['Contact: <sips:200@192.0.2.9>']],
  ['a contact over TCP', ['Contact: <sip:200@192.0.2.9;transport=tcp>']],
  ['a contact longer than the table', [`Contact: <sip:${'2'.repeat(500)}@192.0.2.9>`]],
]
for (const [name, lines] of refusedContacts) {
  test(`${name} is answered 400 and binds nothing`, (t) => {
    const site = new Site()
    t.is(site.register(lines).status, 400)
    t.is(site.users.size, 0)
  })
}

test('a foreign domain is answered 404 before any challenge; our domain has any case', (t) => {
  const site = new Site()
  t.is(
    site.receive(registerRequest([contact], { uri: 'sip:elsewhere.example' })).response.status,
    404,
  )
  const message = registerRequest([contact])
  const foreign = { ...message.to, uri: { ...message.to.uri, host: 'elsewhere.example' } }
  t.is(site.receive({ ...message, to: foreign }).response.status, 404)
  const nobody = { ...message.to, uri: { ...message.to.uri, user: null } }
  t.is(site.receive({ ...message, to: nobody }).response.status, 404)
  const named = { ...message.to, uri: { ...message.to.uri, host: 'TOWER.example' } }
  t.is(site.receive({ ...message, to: named }).response.status, 401)
})

test('any bytes in the Authorization header leave the registrar standing and the table empty', (t) => {
  const pieces = fc.constantFrom(
    'Digest ',
    'realm="vccs"',
    ',',
    ' ',
    '=',
    '"',
    '\\',
    'nc=00000001',
    'qop=auth',
    'nonce="1-2-3"',
    'uri="sip:192.0.2.1"',
    'username="200"',
    'response="0"',
    'cnonce=""',
    'é',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 20 }), (parts) => {
      const site = new Site()
      const message = registerRequest([contact])
      const headers = [...message.headers, { name: 'Authorization', value: parts.join('') }]
      const { status } = site.receive({ ...message, headers }).response
      t.true([400, 401, 403].includes(status))
      t.is(site.users.size, 0)
    }),
    { numRuns: 200 },
  )
})
