import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readElf, relocationsBySection, sectionNamed } from '#libs/elf';
import { pcBiases } from '../src/model/pc-bias.js';

const run = promisify(execFile);

/** Each refers to `v` at offset 0, so the assembler's addend is minus the bias: the assembler is the judge. */
const instructions = [
  'mov v(%rip), %rax',
  'lea v(%rip), %rdi',
  'movzbl v(%rip), %eax',
  'imul v(%rip), %ecx',
  'cmpb $0, v(%rip)',
  'cmpl $3, v(%rip)',
  'cmpl $0x12345, v(%rip)',
  'cmpq $0x12345, v(%rip)',
  'movb $1, v(%rip)',
  'movl $0, v(%rip)',
  'movq $0, v(%rip)',
  'movq $0, %gs:v(%rip)',
  'testb $1, v(%rip)',
  'testl $0x1000, v(%rip)',
  'notl v(%rip)',
  'shll $3, v(%rip)',
  'shll v(%rip)',
  'imul $7, v(%rip), %eax',
  'imul $700, v(%rip), %rax',
  'lock btsl $5, v(%rip)',
  'lock xaddl %eax, v(%rip)',
  'lock cmpxchgq %rcx, v(%rip)',
  'shldl $3, %eax, v(%rip)',
  'incl v(%rip)',
  'call *v(%rip)',
  'call v',
  'jmp v',
  'jne v',
];

test.each(instructions)('%s', async (instruction) => {
  const folder = await mkdtemp(join(tmpdir(), 'pc-bias-'));
  await writeFile(join(folder, 'one.s'), `nop\n${instruction}\nnop\n`);
  await run('gcc-12', ['-c', 'one.s', '-o', 'one.o'], { cwd: folder });
  const elf = readElf(await readFile(join(folder, 'one.o')));
  await rm(folder, { recursive: true });
  const text = sectionNamed(elf, '.text');
  const [relocation] = relocationsBySection(elf).get(text?.index ?? 0) ?? [];
  const biases = relocation && pcBiases(text?.data ?? new Uint8Array(), relocation.offset);
  expect(biases).toContain(-(relocation?.addend ?? 0));
  expect(biases?.length).toBe(instruction.includes('xadd') ? 2 : 1);
});

test('where bytes can be read in two ways, both are given', () => {
  // 0f c1 05: xadd %eax, v(%rip); or the end of `… 0x0f` and then rol $imm8, v(%rip).
  expect(pcBiases(Uint8Array.of(0xb0, 0x0f, 0xc1, 0x05, 0, 0, 0, 0), 4)).toEqual([4, 5]);
  // 66 c7 05: movw $imm16, v(%rip); or the end of `… 0x66` and then movl $imm32, v(%rip).
  expect(pcBiases(Uint8Array.of(0x90, 0x66, 0xc7, 0x05, 0, 0, 0, 0), 4)).toEqual([8, 6]);
});
