#include "tile.h"

#include "platform.h"

void tile_init(void)
{
    write32(TILE_REGS_BASE + TILE_COMMAND, TILE_COMMAND_RESET_MASK);
    write32(TILE_REGS_BASE + TILE_COMMAND, TILE_COMMAND_CLEAR_COUNTERS_MASK);
}

uint32_t tile_size(void)
{
    uint32_t config = read32(TILE_REGS_BASE + TILE_CONFIG);
    return (config & TILE_CONFIG_SIZE_MASK) >> TILE_CONFIG_SIZE_SHIFT;
}

void tile_push_activation(const uint64_t *words, uint32_t count)
{
    volatile uint64_t *window = (volatile uint64_t *)TILE_ACTIVATION_WINDOW;
    uint32_t room = 0;
    while (count--) {
        /* A full queue would hold back the bus, and with it the DMA engine. */
        while (!room)
            room = read32(TILE_REGS_BASE + TILE_ACTIVATION_FREE);
        room--;
        for (uint32_t i = 0; i < TILE_INSTRUCTION_WORDS; i++)
            window[i] = *words++;
    }
}

uint32_t tile_wait_semaphore(uint32_t index)
{
    while (!read32(TILE_REGS_BASE + TILE_SEMAPHORE_0 + 4 * index)) {
        uint32_t status = read32(TILE_REGS_BASE + TILE_STATUS);
        if (status & TILE_STATUS_TENSOR_ERROR_MASK)
            return read32(TILE_REGS_BASE + TILE_TENSOR_ERROR);
        if (status & TILE_STATUS_ACTIVATION_ERROR_MASK)
            return read32(TILE_REGS_BASE + TILE_ACTIVATION_ERROR);
    }
    write32(TILE_REGS_BASE + TILE_SEMAPHORE_ADD,
            index << TILE_SEMAPHORE_ADD_INDEX_SHIFT
            | 0xffffu << TILE_SEMAPHORE_ADD_AMOUNT_SHIFT);
    return 0;
}
