//! WAV files of 16 bit mono samples: the tones that phones play, and what they decoded.
import { readFileSync, writeFileSync } from 'node:fs'

interface Sound {
  readonly sampleRateHz: number
  readonly samples: Int16Array
}

const riffHeaderBytes = 12
const chunkHeaderBytes = 8
const bytesPerSample = 2

/** Also reads a file whose writer was killed before it could fill in the lengths. */
export function readWav(path: string): Sound {
  const file = readFileSync(path)
  let sampleRateHz = 8000
  for (let offset = riffHeaderBytes; offset + chunkHeaderBytes <= file.length; ) {
    const name = file.toString('latin1', offset, offset + 4)
    const length = file.readUInt32LE(offset + 4)
    const body = offset + chunkHeaderBytes
    if (name === 'fmt ') sampleRateHz = file.readUInt32LE(body + 4)
    if (name === 'data') {
      const isClosed = length > 0 && body + length <= file.length
      return {
        sampleRateHz,
        samples: int16(file.subarray(body, isClosed ? body + length : undefined)),
      }
    }
    offset = body + length + (length % 2)
  }
  return { sampleRateHz, samples: new Int16Array(0) }
}

function int16(bytes: Buffer): Int16Array {
  const samples = new Int16Array(bytes.length >> 1)
  samples.forEach((_, index) => {
    samples[index] = bytes.readInt16LE(index * bytesPerSample)
  })
  return samples
}

/** A tone of whole half hertz is the same again after so long. */
const periodSeconds = 2

export function toneSamples(toneHz: number, seconds: number, amplitude = 8000): Int16Array {
  const sampleRateHz = 8000
  const samples = new Int16Array(Math.floor(seconds * sampleRateHz))
  const isRegular = Number.isInteger(periodSeconds * toneHz)
  const period = isRegular ? periodSeconds * sampleRateHz : samples.length
  for (const index of samples.subarray(0, period).keys()) {
    samples[index] = Math.round(amplitude * Math.sin((2 * Math.PI * toneHz * index) / sampleRateHz))
  }
  for (let filled = period; filled < samples.length; filled *= 2) {
    samples.copyWithin(filled, 0, filled)
  }
  return samples
}

export function writeWav(path: string, samples: Int16Array, sampleRateHz = 8000): void {
  const header = Buffer.alloc(44)
  header.write('RIFF', 0, 'latin1')
  header.writeUInt32LE(36 + samples.byteLength, 4)
  header.write('WAVEfmt ', 8, 'latin1')
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(sampleRateHz, 24)
  header.writeUInt32LE(sampleRateHz * bytesPerSample, 28)
  header.writeUInt16LE(bytesPerSample, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36, 'latin1')
  header.writeUInt32LE(samples.byteLength, 40)
  writeFileSync(path, Buffer.concat([header, Buffer.from(samples.buffer, 0, samples.byteLength)]))
}
