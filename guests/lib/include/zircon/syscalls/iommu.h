/* zx_iommu_create. */
#pragma once

#include <zircon/generated/iommu.h>
#include <zircon/types.h>

__BEGIN_CDECLS

typedef struct zx_iommu_desc_dummy {
  uint8_t reserved;
} zx_iommu_desc_dummy_t;

typedef struct zx_iommu_desc_intel_scope {
  uint8_t type;
  uint8_t start_bus;
  uint8_t num_hops;
  uint8_t dev_func[5];
} zx_iommu_desc_intel_scope_t;

/* Followed by its scopes. */
typedef struct zx_iommu_desc_intel_reserved_memory {
  uint64_t base_addr;
  uint64_t len;
  uint8_t scope_bytes;
  uint8_t _reserved[7];
} zx_iommu_desc_intel_reserved_memory_t;

/* Followed by scopes, then reserved memory. */
typedef struct zx_iommu_desc_intel {
  uint64_t register_base;
  uint16_t pci_segment;
  bool whole_segment;
  uint8_t scope_bytes;
  uint16_t reserved_memory_bytes;
  uint8_t _reserved[2];
} zx_iommu_desc_intel_t;

__END_CDECLS
