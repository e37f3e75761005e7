#ifndef TILICHO_ALLOCA_H
#define TILICHO_ALLOCA_H

#define alloca(bytes) __builtin_alloca(bytes)

#endif
