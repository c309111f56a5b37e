#include "emu/debug/expression.h"

#include <dwarf.h>

#include <array>
#include <cstring>
#include <vector>

namespace jacinth::emu {
namespace {

class Machine {
 public:
  explicit Machine(const ExpressionContext& context) : context_(context) {}

  /// False when the operation is none of ours, or has nothing to work on.
  bool run(const Dwarf_Op& op) {
    switch (op.atom) {
      case DW_OP_addr:
      case DW_OP_const1u:
      case DW_OP_const1s:
      case DW_OP_const2u:
      case DW_OP_const2s:
      case DW_OP_const4u:
      case DW_OP_const4s:
      case DW_OP_const8u:
      case DW_OP_const8s:
      case DW_OP_constu:
      case DW_OP_consts: return push(op.number);
      case DW_OP_bregx: return push_register(op.number, op.number2);
      case DW_OP_call_frame_cfa: return push(context_.cfa);
      case DW_OP_deref: return dereference();
      case DW_OP_dup: return !stack_.empty() && push(stack_.back());
      case DW_OP_drop: return pop().has_value();
      case DW_OP_plus_uconst: return unary([&](uint64_t a) { return a + op.number; });
      case DW_OP_neg: return unary([](uint64_t a) { return -a; });
      case DW_OP_not: return unary([](uint64_t a) { return ~a; });
      case DW_OP_plus: return binary([](uint64_t a, uint64_t b) { return a + b; });
      case DW_OP_minus: return binary([](uint64_t a, uint64_t b) { return a - b; });
      case DW_OP_mul: return binary([](uint64_t a, uint64_t b) { return a * b; });
      case DW_OP_and: return binary([](uint64_t a, uint64_t b) { return a & b; });
      case DW_OP_or: return binary([](uint64_t a, uint64_t b) { return a | b; });
      case DW_OP_xor: return binary([](uint64_t a, uint64_t b) { return a ^ b; });
      case DW_OP_shl: return binary([](uint64_t a, uint64_t b) { return b < 64 ? a << b : 0; });
      case DW_OP_shr: return binary([](uint64_t a, uint64_t b) { return b < 64 ? a >> b : 0; });
      case DW_OP_eq: return compare([](int64_t a, int64_t b) { return a == b; });
      case DW_OP_ne: return compare([](int64_t a, int64_t b) { return a != b; });
      case DW_OP_ge: return compare([](int64_t a, int64_t b) { return a >= b; });
      case DW_OP_gt: return compare([](int64_t a, int64_t b) { return a > b; });
      case DW_OP_le: return compare([](int64_t a, int64_t b) { return a <= b; });
      case DW_OP_lt: return compare([](int64_t a, int64_t b) { return a < b; });
      case DW_OP_nop: return true;
      default: break;
    }
    if (op.atom >= DW_OP_lit0 && op.atom <= DW_OP_lit31) return push(op.atom - DW_OP_lit0);
    if (op.atom >= DW_OP_breg0 && op.atom <= DW_OP_breg31) return push_register(op.atom - DW_OP_breg0, op.number);
    return false;
  }

  std::optional<uint64_t> pop() {
    if (stack_.empty()) return std::nullopt;
    uint64_t value = stack_.back();
    stack_.pop_back();
    return value;
  }

 private:
  bool push(uint64_t value) {
    stack_.push_back(value);
    return true;
  }
  bool push_register(uint64_t number, uint64_t offset) {
    if (number >= Frame::kRegisters || !context_.frame.registers[number]) return false;
    return push(*context_.frame.registers[number] + offset);
  }
  bool dereference() {
    std::optional<uint64_t> address = pop();
    std::array<std::byte, 8> bytes;
    if (!address || !context_.read(GuestAddr(*address), bytes)) return false;
    uint64_t value = 0;
    std::memcpy(&value, bytes.data(), sizeof value);
    return push(value);
  }
  template <class F>
  bool unary(F&& operation) {
    std::optional<uint64_t> a = pop();
    return a && push(operation(*a));
  }
  template <class F>
  bool binary(F&& operation) {
    std::optional<uint64_t> b = pop();
    std::optional<uint64_t> a = pop();
    return a && b && push(operation(*a, *b));
  }
  template <class F>
  bool compare(F&& operation) {
    return binary(
        [&](uint64_t a, uint64_t b) { return operation(static_cast<int64_t>(a), static_cast<int64_t>(b)) ? 1u : 0u; });
  }

  const ExpressionContext& context_;
  std::vector<uint64_t> stack_;
};

}  // namespace

std::optional<uint64_t> evaluate(std::span<const Dwarf_Op> ops, const ExpressionContext& context) {
  Machine machine(context);
  for (const Dwarf_Op& op : ops)
    if (!machine.run(op)) return std::nullopt;
  return machine.pop();
}

std::optional<uint64_t> evaluate_location(std::span<const Dwarf_Op> ops, const ExpressionContext& context) {
  if (ops.empty()) return std::nullopt;
  const Dwarf_Op& last = ops.back();
  if (last.atom == DW_OP_stack_value) return evaluate(ops.first(ops.size() - 1), context);
  if (ops.size() == 1 && (last.atom == DW_OP_regx || (last.atom >= DW_OP_reg0 && last.atom <= DW_OP_reg31))) {
    uint64_t number = last.atom == DW_OP_regx ? last.number : last.atom - DW_OP_reg0;
    return number < Frame::kRegisters ? context.frame.registers[number] : std::nullopt;
  }
  std::optional<uint64_t> address = evaluate(ops, context);
  std::array<std::byte, 8> bytes;
  if (!address || !context.read(GuestAddr(*address), bytes)) return std::nullopt;
  uint64_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

}  // namespace jacinth::emu
