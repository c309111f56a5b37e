// Whether memory hangs together, whatever came before: tests' rigs ask after every step.
#pragma once

#include <optional>
#include <string>

#include "kernel/vm/vm.h"
#include "tests/support/fake_platform.h"

namespace jacinth::kernel {

/// Page tables against regions, in every address space: regions and mappings lie within their parents and apart from
/// each other, every entry belongs to a mapping, shows the frame that the VMO has there now, and allows no more than
/// the mapping and the sharing of the frame do. What is wrong; nothing when all is well.
std::optional<std::string> page_table_fault(const Vm& vm, FakePlatform& platform);

/// Frames against VMOs: every frame that holds a page of a VMO is charged to exactly one container, and none is lost.
std::optional<std::string> frame_fault(Vm& vm);

}  // namespace jacinth::kernel
