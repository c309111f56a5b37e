// The library that loading.c loads: one function, where the file begins.

__attribute__((visibility("default"))) int part_sum(int count, int (*each)(int value)) {
  int sum = 0;
  for (int i = 1; i <= count; ++i) sum += each(i);
  return sum;
}
