// C++ without its library: constructors and destructors of everything that lives as long as the program or a thread,
// virtual calls, memory from malloc.
#include <pthread.h>
#include <stdlib.h>

#include "guests/sdk/claims.h"

void* operator new(size_t size) { return malloc(size); }
void operator delete(void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t) noexcept { free(memory); }
extern "C" void __cxa_pure_virtual() { abort(); }
// What a C++ library would pass on.
extern "C" int __cxa_thread_atexit_impl(void (*)(void*), void*, void*);
extern "C" int __cxa_thread_atexit(void (*destroy)(void*), void* object, void* library) {
  return __cxa_thread_atexit_impl(destroy, object, library);
}

namespace {

int made, gone;

struct Counted {
  explicit Counted(int begin) : value(begin) { __atomic_add_fetch(&made, 1, __ATOMIC_SEQ_CST); }
  ~Counted() { __atomic_add_fetch(&gone, 1, __ATOMIC_SEQ_CST); }
  int value;
};

Counted global(1);
thread_local Counted own(10);

struct Shape {
  virtual ~Shape() = default;
  virtual int sides() const = 0;
};
struct Square : Shape {
  int sides() const override { return 4; }
};

void* run(void*) {
  own.value += 1;
  return reinterpret_cast<void*>(static_cast<long>(own.value));
}

/// Says its piece when everything else is gone already.
struct Last {
  ~Last() { puts("# the last destructor ran"); }
} last;

}  // namespace

int main() {
  CLAIM("a global was made before main", global.value == 1 && made >= 1);
  own.value = 20;
  pthread_t threads[4];
  bool right = true;
  for (pthread_t& thread : threads) right &= pthread_create(&thread, nullptr, run, nullptr) == 0;
  for (pthread_t thread : threads) {
    void* value = nullptr;
    right &= pthread_join(thread, &value) == 0 && value == reinterpret_cast<void*>(11);
  }
  CLAIM("each thread has an object of its own", right && own.value == 20);
  CLAIM("which goes with its thread", made == 6 && gone == 4);
  Shape* shape = new Square;
  CLAIM("a virtual call finds its function", shape->sides() == 4);
  delete shape;
  static Counted local(5);
  CLAIM("a local that stays is made when it is reached", local.value == 5 && made == 7);
  return claims_end();
}
