/* What the other headers and programs ask of the compiler: names for attributes and hints. */
#pragma once

#ifdef __cplusplus
#define __BEGIN_CDECLS extern "C" {
#define __END_CDECLS }
#define __CONSTEXPR constexpr
#else
#define __BEGIN_CDECLS
#define __END_CDECLS
#define __CONSTEXPR
#endif

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define __UNUSED __attribute__((__unused__))
#define __USED __attribute__((__used__))
#define __PACKED __attribute__((__packed__))
#define __ALIGNED(x) __attribute__((__aligned__(x)))
#define __PRINTFLIKE(format, arguments) __attribute__((__format__(__printf__, format, arguments)))
#define __SCANFLIKE(format, arguments) __attribute__((__format__(__scanf__, format, arguments)))
#define __SECTION(x) __attribute__((__section__(x)))
#define __CONST __attribute__((__const__))
#define __PURE __attribute__((__pure__))
#define __MALLOC __attribute__((__malloc__))
#define __WEAK __attribute__((__weak__))
#define __WEAK_ALIAS(x) __attribute__((__weak__, __alias__(x)))
#define __ALIAS(x) __attribute__((__alias__(x)))
#define __EXPORT __attribute__((__visibility__("default")))
#define __LOCAL __attribute__((__visibility__("hidden")))
#define __NO_INLINE __attribute__((__noinline__))
#define __ALWAYS_INLINE __attribute__((__always_inline__))
#define __NO_RETURN __attribute__((__noreturn__))
#define __WARN_UNUSED_RESULT __attribute__((__warn_unused_result__))
#define __CONSTRUCTOR __attribute__((__constructor__))
#define __DESTRUCTOR __attribute__((__destructor__))
#define __LEAF_FN __attribute__((__leaf__))
#define __UNREACHABLE __builtin_unreachable()
#define __ISCONSTANT(x) __builtin_constant_p(x)
#define __FALLTHROUGH __attribute__((__fallthrough__))
#define __OFFSETOF(type, field) __builtin_offsetof(type, field)

#define add_overflow(a, b, result) __builtin_add_overflow(a, b, result)
#define sub_overflow(a, b, result) __builtin_sub_overflow(a, b, result)
#define mul_overflow(a, b, result) __builtin_mul_overflow(a, b, result)

#ifndef countof
#define countof(a) (sizeof(a) / sizeof((a)[0]))
#endif
