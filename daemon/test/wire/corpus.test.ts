//! The malformed corpus, which the end-to-end tests send to a running pair: every entry is refused.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { decodeHeartbeat } from '../../src/wire/heartbeat.ts'
import { parseRtp } from '../../src/wire/rtp.ts'
import { parseSdp } from '../../src/wire/sdp.ts'
import { parseSip } from '../../src/wire/sip/parse.ts'
import { decodeSyncFrame } from '../../src/wire/sync-frame.ts'

/** Not the key under which the frames of the corpus were made. */
const key = new Uint8Array(32).fill(1)

const isRefused: Record<string, (bytes: Buffer) => boolean> = {
  sip: (bytes) => parseSip(bytes).kind === 'malformed',
  // A description may be good SDP and still have no audio stream that we can use.
  sdp: (bytes) => !parseSdp(bytes.toString('utf8'))?.audio,
  rtp: (bytes) => parseRtp(bytes) === null,
  heartbeat: (bytes) => typeof decodeHeartbeat(bytes, key) === 'string',
  sync: (bytes) => typeof decodeSyncFrame(bytes, key) === 'string',
}

for (const [protocol, refused] of Object.entries(isRefused)) {
  test(`every ${protocol} entry of the corpus is refused`, (t) => {
    const file = join(import.meta.dirname, '../data/corpus', protocol, 'malformed.json')
    const entries: Record<string, string> = JSON.parse(readFileSync(file, 'utf8'))
    for (const [name, base64] of Object.entries(entries)) {
      t.true(refused(Buffer.from(base64, 'base64')), name)
    }
  })
}
