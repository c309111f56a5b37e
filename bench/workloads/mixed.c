// Mixed work: planets that pull at each other and matrices (doubles), with hashing and branches (integers) between.
#include "bench/workloads/workload.h"

#define BODIES 8
#define SIZE 24

static double position[BODIES][3], velocity[BODIES][3], mass[BODIES];
static double a[SIZE][SIZE], b[SIZE][SIZE], c[SIZE][SIZE];
static uint32_t histogram[256];

static void advance(double step) {
  for (int i = 0; i < BODIES; ++i) {
    for (int k = i + 1; k < BODIES; ++k) {
      double delta[3], square = 0.01;
      for (int d = 0; d < 3; ++d) {
        delta[d] = position[i][d] - position[k][d];
        square += delta[d] * delta[d];
      }
      double pull = step / (square * __builtin_sqrt(square));
      for (int d = 0; d < 3; ++d) {
        velocity[i][d] -= delta[d] * mass[k] * pull;
        velocity[k][d] += delta[d] * mass[i] * pull;
      }
    }
  }
  for (int i = 0; i < BODIES; ++i) {
    for (int d = 0; d < 3; ++d) position[i][d] += step * velocity[i][d];
  }
}

static void multiply(void) {
  for (int i = 0; i < SIZE; ++i) {
    for (int k = 0; k < SIZE; ++k) {
      double sum = 0;
      for (int n = 0; n < SIZE; ++n) sum += a[i][n] * b[n][k];
      c[i][k] = sum * 0.01;
    }
  }
}

uint64_t workload(uint64_t rounds) {
  for (int i = 0; i < BODIES; ++i) {
    mass[i] = 1.0 + i * 0.1;
    for (int d = 0; d < 3; ++d) position[i][d] = (i * 7 + d * 3) % 11 - 5.0;
  }
  for (int i = 0; i < SIZE; ++i) {
    for (int k = 0; k < SIZE; ++k) a[i][k] = i - k * 0.5, b[i][k] = (i * k) % 7;
  }
  uint64_t result = 0;
  uint32_t hash = 2166136261u;
  for (uint64_t round = 0; round < rounds; ++round) {
    for (int step = 0; step < 20; ++step) advance(0.001);
    multiply();
    for (int i = 0; i < SIZE; ++i) {
      for (int k = 0; k < SIZE; ++k) a[i][k] = a[i][k] * 0.5 + c[k][i];
    }
    for (uint32_t i = 0; i < 20000; ++i) {
      hash = (hash ^ (uint8_t)(i + round)) * 16777619u;
      if (hash & 0x100) ++histogram[hash >> 24];
    }
    result += (uint64_t)(int64_t)(position[0][0] * 1e6) ^ histogram[round & 255];
  }
  return result;
}
