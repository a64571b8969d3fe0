//! The transcripts of the transaction layer: each file is a story, its blocks are commands, `----`
//! and what the layer did. `TRANSCRIPT_REWRITE=1` writes what happened into the files, to be read.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { Transcript } from './transaction-transcript.ts'

const folder = join(import.meta.dirname, '../data/transaction')
const rewrite = process.env.TRANSCRIPT_REWRITE === '1'

for (const file of readdirSync(folder).sort()) {
  test(`transcript ${file.replace('.txt', '').replaceAll('-', ' ')}`, (t) => {
    const path = join(folder, file)
    const text = readFileSync(path, 'utf8')
    const transcript = new Transcript(
      file.startsWith('full-layer') ? 2 : 100,
      file.startsWith('full-of-own') ? 2 : 100,
    )
    const blocks = text
      .trimEnd()
      .split('\n\n')
      .map((block) => {
        const commands = block.split('\n----')[0] ?? ''
        const happened = transcript.run(commands)
        return `${commands}\n----${happened === '' ? '' : `\n${happened}`}`
      })
    const result = `${blocks.join('\n\n')}\n`
    if (rewrite) writeFileSync(path, result)
    t.is(result, text)
  })
}
