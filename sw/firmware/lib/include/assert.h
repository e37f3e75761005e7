/* No include guard: each inclusion follows the current NDEBUG. */

#undef assert
#ifdef NDEBUG
#define assert(condition) ((void)0)
#else
#define assert(condition) \
    ((condition) ? (void)0 : __assert_failed(#condition, __FILE__, __LINE__))
#endif

#ifndef TILICHO_ASSERT_H
#define TILICHO_ASSERT_H
#define static_assert _Static_assert
__attribute__((noreturn)) void __assert_failed(const char *condition, const char *file, int line);
#endif
