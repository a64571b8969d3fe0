//! The tones of a telephone system by country (ITU-T E.180 Supplement 2), and those of a voice
//! communication system of air traffic control as they were measured (ED-137 volume 2 has none of its
//! own). What no country defines is the same everywhere, at the frequency of the country.
import type { ToneCountry } from './site-words.ts'
import type { TonePattern } from './tone.ts'

export const toneNames = [
  'dial',
  'ringback',
  'busy',
  'congestion',
  'unobtainable',
  'out-of-service',
  'release',
  'call-waiting',
  'intrusion',
  'interruption',
  'hold',
  'queue',
  'confirmation',
  'wrong-operation',
  'conference-join',
  'conference-leave',
  'monitoring',
  'radio-error',
  'ring',
  'ring-priority',
  'ring-not-intruding',
] as const
type ToneName = (typeof toneNames)[number]
type ToneSet = Readonly<Record<ToneName, TonePattern>>

type Parts = TonePattern['parts']

/** ITU-T E.180 4: -10 dBm0. */
const nationalDbm0 = -10
/** About -9 dB below full scale. */
const atcDbm0 = -6
/** Beside a conversation, which must stay intelligible (ITU-T E.180 11, E.182). */
const beneathDb = 8

/** @param ms sound, pause, sound, pause ... */
function beat(hz: readonly number[], ...ms: readonly number[]): Parts {
  return ms.map((length, index) => ({ hz: index % 2 === 0 ? [...hz] : [], ms: length }))
}

function steady(...hz: number[]): Parts {
  return [{ hz, ms: 1_000 }]
}

/** Notes one after the other, then a pause. */
function melody(hz: readonly number[], noteMs: number, pauseMs: number): Parts {
  const notes = hz.map((note) => ({ hz: [note], ms: noteMs }))
  return [...notes, { hz: [], ms: pauseMs }]
}

/** What a country defines. */
interface National {
  readonly dial: Parts
  readonly ringback: Parts
  readonly busy: Parts
  readonly congestion: Parts
  readonly callWaiting: Parts
  /** Special information tone, or a tone of its own. */
  readonly unobtainable: Parts
  readonly levelDbm0: number
}

/** ITU-T E.180 6. */
const special = melody([950, 1_400, 1_800], 330, 1_000)

const countries: Readonly<Record<ToneCountry, National>> = {
  europe: {
    dial: steady(425),
    ringback: beat([425], 1_000, 4_000),
    busy: beat([425], 200, 400),
    congestion: steady(425, 1_000),
    callWaiting: beat([425], 200, 200, 200, 4_400),
    unobtainable: special,
    levelDbm0: atcDbm0,
  },
  austria: {
    dial: steady(420),
    ringback: beat([420], 1_000, 5_000),
    busy: beat([420], 400, 400),
    congestion: beat([420], 200, 200),
    callWaiting: beat([420], 40, 1_960),
    unobtainable: melody([950, 1_450, 1_850], 330, 1_000),
    levelDbm0: nationalDbm0,
  },
  switzerland: {
    dial: steady(425),
    ringback: beat([425], 1_000, 4_000),
    busy: beat([425], 500, 500),
    congestion: beat([425], 200, 200),
    callWaiting: beat([425], 200, 200, 200, 4_000),
    unobtainable: special,
    levelDbm0: nationalDbm0,
  },
  china: {
    dial: steady(450),
    ringback: beat([450], 1_000, 4_000),
    busy: beat([450], 350, 350),
    congestion: beat([450], 700, 700),
    callWaiting: beat([450], 400, 4_000),
    unobtainable: beat([450], 100, 100, 100, 100, 100, 100, 400, 400),
    levelDbm0: nationalDbm0,
  },
  czechia: {
    dial: beat([425], 330, 330, 660, 660),
    ringback: beat([425], 1_000, 4_000),
    busy: beat([425], 330, 330),
    congestion: beat([425], 165, 165),
    callWaiting: beat([425], 330, 9_000),
    unobtainable: special,
    levelDbm0: nationalDbm0,
  },
  germany: {
    dial: steady(425),
    ringback: beat([425], 1_000, 4_000),
    busy: beat([425], 480, 480),
    congestion: beat([425], 240, 240),
    callWaiting: beat([425], 200, 200, 200, 5_000),
    unobtainable: special,
    levelDbm0: nationalDbm0,
  },
  spain: {
    dial: steady(425),
    ringback: beat([425], 1_500, 3_000),
    busy: beat([425], 200, 200),
    congestion: beat([425], 200, 200, 200, 200, 200, 600),
    callWaiting: beat([425], 175, 175, 175, 3_500),
    unobtainable: special,
    levelDbm0: nationalDbm0,
  },
  france: {
    dial: steady(440),
    ringback: beat([440], 1_500, 3_500),
    busy: beat([440], 500, 500),
    congestion: beat([440], 250, 250),
    callWaiting: beat([440], 300, 10_000),
    unobtainable: special,
    levelDbm0: nationalDbm0,
  },
  uk: {
    dial: steady(350, 440),
    ringback: beat([400, 450], 400, 200, 400, 2_000),
    busy: beat([400], 375, 375),
    congestion: beat([400], 400, 350, 225, 525),
    callWaiting: beat([400], 100, 4_000),
    unobtainable: steady(400),
    levelDbm0: nationalDbm0,
  },
  italy: {
    dial: beat([425], 200, 200, 600, 1_000),
    ringback: beat([425], 1_000, 4_000),
    busy: beat([425], 500, 500),
    congestion: beat([425], 200, 200),
    callWaiting: beat([425], 400, 100, 250, 100, 150, 14_000),
    unobtainable: special,
    levelDbm0: nationalDbm0,
  },
  usa: {
    dial: steady(350, 440),
    ringback: beat([440, 480], 2_000, 4_000),
    busy: beat([480, 620], 500, 500),
    congestion: beat([480, 620], 250, 250),
    callWaiting: beat([440], 300, 10_000),
    unobtainable: special,
    levelDbm0: nationalDbm0,
  },
}

/** Instead of the conversation. */
function tone(name: ToneName, parts: Parts, levelDbm0: number): TonePattern {
  return { name, parts, times: null, levelDbm0, replaces: true }
}

/** Beside the conversation. */
function notice(name: ToneName, parts: Parts, levelDbm0: number): TonePattern {
  return { name, parts, times: null, levelDbm0: levelDbm0 - beneathDb, replaces: false }
}

function once(pattern: TonePattern): TonePattern {
  return { ...pattern, times: 1 }
}

/** @param levelDbm0 of tones that replace the conversation; null: that of the country. */
export function toneSet(country: ToneCountry, levelDbm0: number | null = null): ToneSet {
  const own = countries[country]
  const level = levelDbm0 ?? own.levelDbm0
  const base = [own.busy[0]?.hz[0] ?? 425]
  return {
    dial: tone('dial', own.dial, level),
    ringback: tone('ringback', own.ringback, level),
    busy: tone('busy', own.busy, level),
    congestion: tone('congestion', own.congestion, level),
    unobtainable: tone('unobtainable', own.unobtainable, level),
    'out-of-service': tone('out-of-service', beat([1_000], 500, 500), level),
    release: tone('release', beat(base, 200, 300, 200, 300, 200, 800), level),
    'call-waiting': notice('call-waiting', own.callWaiting, level),
    // Operator intervening: two pulses, once.
    intrusion: once(notice('intrusion', beat(base, 240, 240, 240, 240), level)),
    // As long as a forced release or the loss of a resource is near.
    interruption: notice('interruption', beat(base, 40, 1_000), level),
    hold: tone('hold', beat(base, 200, 200, 200, 2_400), level - beneathDb),
    queue: tone('queue', beat(base, 300, 4_700), level - beneathDb),
    confirmation: once(tone('confirmation', beat(base, 100, 100, 100, 100, 100, 100), level)),
    'wrong-operation': once(tone('wrong-operation', beat([1_000], 50, 200, 50, 20), level)),
    'conference-join': once(notice('conference-join', melody([950, 1_400], 100, 20), level)),
    'conference-leave': once(notice('conference-leave', melody([1_400, 950], 100, 20), level)),
    // ITU-T E.180 12, recording tone: somebody else listens.
    monitoring: notice('monitoring', beat([1_400], 80, 15_000), level),
    'radio-error': tone('radio-error', melody([900, 1_400, 1_800], 320, 960), level),
    ring: tone('ring', beat([900, 1_000, 1_600], 1_440, 3_000), level - beneathDb),
    'ring-priority': tone('ring-priority', beat([3_460, 3_660], 560, 400), level),
    'ring-not-intruding': tone(
      'ring-not-intruding',
      beat([1_000], 100, 100, 100, 100, 100, 100, 100, 3_400),
      level,
    ),
  }
}
