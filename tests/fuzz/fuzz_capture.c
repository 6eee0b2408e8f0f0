/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any file: elements follow one another, records lie inside them. */
#include <stdlib.h>

#include "wire/capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_capture capture;
    struct wire_capture_record record;
    struct wire_datagram datagram;

    wire_capture_init(&capture);
    while (size > 0) {
        ptrdiff_t step = wire_capture_next(&capture, data, size, &record);

        if (step <= 0)
            break;
        require((size_t)step <= size && step <= WIRE_CAPTURE_RECORD_MAX);
        if (record.bytes) {
            require(record.bytes >= data && record.bytes + record.size <= data + step);
            if (wire_capture_datagram(&record, &datagram) == 0)
                require((size_t)datagram.payload_offset + datagram.payload_size <= record.size);
        }
        data += step;
        size -= (size_t)step;
    }
    return 0;
}
