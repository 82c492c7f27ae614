// A DirectML device made of host memory: what torch-directml does, refuses and gets wrong, on a machine without one.
//
// Memory is the host's, tagged privateuseone:0. Operators are computed by torch's own kernels of the CPU, so that an
// honest device is bit-equal to the CPU. On the way every operator is logged, copies between host and device are
// counted, what DirectML refuses is refused, and faults that it was told to have are put in.
//
// simulated_configure(native, faults, log, devices) is called by the stand-in package torch_directml before first use.

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/native/Resize.h>
#include <ATen/ops/mul_compositeexplicitautogradnonfunctional_dispatch.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr auto DML = c10::DeviceType::PrivateUse1;

// ---------------------------------------------------------------------------------------------------- what is told

struct Fault {
  std::string op;  // an operator's name, or "any"
  long from;       // its call, counted from 1
  bool once;       // that call alone, not all from it on
  std::string kind, text;
  long calls = 0;
};

std::set<std::string> native_ops;
std::vector<Fault> faults;
std::set<std::string> quirks;
int device_count = 1;
std::string gone;  // why the device answers nothing any more
std::recursive_mutex lock;

bool has(const char* quirk) { return quirks.count(quirk) > 0; }

// ------------------------------------------------------------------------------------------------------- the log

// Counters in a file that outlives a process that is killed.
struct Slot {
  char name[120];
  int64_t count;
};
constexpr int SLOTS = 1024;
Slot* slots = nullptr;
std::map<std::string, int64_t*> counters;

void count(const std::string& name) {
  if (!slots) return;
  std::lock_guard<std::recursive_mutex> guard(lock);
  auto found = counters.find(name);
  if (found == counters.end()) {
    TORCH_CHECK(counters.size() < SLOTS, "the log of the simulated device is full");
    Slot& slot = slots[counters.size()];
    std::strncpy(slot.name, name.c_str(), sizeof(slot.name) - 1);
    found = counters.emplace(name, &slot.count).first;
  }
  ++*found->second;
}

void open_log(const std::string& path) {
  if (path.empty()) return;
  int file = ::open(path.c_str(), O_RDWR | O_CREAT, 0644);
  TORCH_CHECK(file >= 0 && ::ftruncate(file, sizeof(Slot) * SLOTS) == 0, "no log can be written to ", path);
  void* memory = ::mmap(nullptr, sizeof(Slot) * SLOTS, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  TORCH_CHECK(memory != MAP_FAILED, "no log can be written to ", path);
  slots = static_cast<Slot*>(memory);
  ::close(file);
}

// --------------------------------------------------------------------------------------------------------- faults

[[noreturn]] void hang() {
  for (;;) ::sleep(1000);
}

void check_alive() { TORCH_CHECK(gone.empty(), gone); }

using Clock = std::chrono::steady_clock;
Clock::time_point busy_until;  // with what was queued: whoever reads from the device waits for that

void work_off() { std::this_thread::sleep_until(busy_until); }

void fail(const Fault& fault) {
  const auto spent = [&] { return std::chrono::microseconds(long(1000 * std::stod(fault.text))); };
  if (fault.kind == "slow") std::this_thread::sleep_for(spent());  // milliseconds
  if (fault.kind == "queued") busy_until = std::max(Clock::now(), busy_until) + spent();
  if (fault.kind == "raise") TORCH_CHECK(false, fault.text);
  if (fault.kind == "segfault") *reinterpret_cast<volatile int*>(8) = 1;
  if (fault.kind == "abort") std::abort();
  if (fault.kind == "hang") hang();
  if (fault.kind == "memory")
    TORCH_CHECK(false, "Could not allocate tensor with 1073741824 bytes. There is not enough GPU video memory available!");
  if (fault.kind == "removed") {
    gone = "The GPU device instance has been suspended. Use GetDeviceRemovedReason to determine the appropriate action.";
    check_alive();
  }
}

// Returns the faults that change what this call of an operator gives; does the ones that end it.
std::vector<std::string> due(const std::string& name) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  check_alive();
  std::vector<std::string> wrong;
  for (Fault& fault : faults) {
    if (fault.op != name && fault.op != "any") continue;
    ++fault.calls;
    if (fault.once ? fault.calls != fault.from : fault.calls < fault.from) continue;
    fail(fault);
    wrong.push_back(fault.kind == "skew" && !fault.text.empty() ? "skew:" + fault.text : fault.kind);
  }
  return wrong;
}

// --------------------------------------------------------------------------------------------------------- memory

void check_type(at::ScalarType type) {
  TORCH_CHECK(
      type != at::kDouble,
      "The GPU device does not support Double (Float64) operations!");
  if (type == at::kBFloat16 || type == at::kComplexFloat) std::abort();  // so does the true library
}

struct HostMemory final : c10::Allocator {
  c10::DataPtr allocate(size_t n) override {
    void* data = std::calloc(std::max<size_t>(n, 1), 1);
    return {data, data, &std::free, c10::Device(DML, 0)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &std::free; }
  void copy_data(void* to, const void* from, std::size_t n) const override { default_copy_data(to, from, n); }
};
HostMemory memory;
REGISTER_ALLOCATOR(DML, &memory);

// The same memory as a tensor of the CPU.
at::Tensor host(const at::Tensor& tensor) {
  if (!tensor.is_privateuseone()) return tensor;
  auto* storage = tensor.storage().unsafeGetStorageImpl();
  auto* start = static_cast<char*>(storage->_mutable_data_ptr_no_checks().get());
  at::AutoDispatchBelowADInplaceOrView guard;
  return at::from_blob(
      start + tensor.storage_offset() * tensor.itemsize(), tensor.sizes(), tensor.strides(),
      tensor.options().device(at::kCPU));
}

at::Tensor tagged(at::TensorBase base) { return at::Tensor(std::move(base)); }

void check_allocation(at::ScalarType type) {
  check_alive();
  check_type(type);
  TORCH_CHECK(!c10::InferenceMode::is_enabled(), "Cannot set version_counter for inference tensor");
}

at::Tensor empty(
    at::IntArrayRef size, std::optional<at::ScalarType> type, std::optional<at::Layout>, std::optional<at::Device>,
    std::optional<bool>, std::optional<at::MemoryFormat> format) {
  auto scalar = c10::dtype_or_default(type);
  check_allocation(scalar);
  return tagged(at::detail::empty_generic(
      size, &memory, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1), scalar, format));
}

at::Tensor empty_strided(
    at::IntArrayRef size, at::IntArrayRef stride, std::optional<at::ScalarType> type, std::optional<at::Layout>,
    std::optional<at::Device>, std::optional<bool>) {
  auto scalar = c10::dtype_or_default(type);
  check_allocation(scalar);
  return tagged(at::detail::empty_strided_generic(
      size, stride, &memory, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1), scalar));
}

const at::Tensor& resize(const at::Tensor& self, at::IntArrayRef size, std::optional<at::MemoryFormat>) {
  count("aten::resize_");
  auto* impl = self.unsafeGetTensorImpl();
  auto need = at::detail::computeStorageNbytesContiguous(size, self.itemsize(), self.storage_offset());
  auto* storage = impl->unsafe_storage().unsafeGetStorageImpl();
  if (need > storage->nbytes()) {
    c10::DataPtr grown = memory.allocate(need);
    std::memcpy(grown.get(), storage->_mutable_data_ptr_no_checks().get(), storage->nbytes());
    storage->set_data_ptr_noswap(std::move(grown));
    storage->set_nbytes(need);
  }
  impl->set_sizes_contiguous(size);
  return self;
}

at::Tensor& set_storage(
    at::Tensor& self, at::Storage source, int64_t offset, at::IntArrayRef size, at::IntArrayRef stride) {
  auto* impl = self.unsafeGetTensorImpl();
  impl->set_storage_keep_dtype(std::move(source));
  if (stride.data() == nullptr || stride.size() != size.size()) {
    impl->set_storage_offset(offset);
    impl->set_sizes_contiguous(size);
  } else {
    impl->set_sizes_and_strides(size, stride, offset);
  }
  return self;
}

at::Tensor& set_whole_storage(at::Tensor& self, at::Storage source) {
  const auto numbers = static_cast<int64_t>(source.nbytes() / self.itemsize());
  return set_storage(self, std::move(source), 0, {numbers}, {});
}

// --------------------------------------------------------------------------------------------------------- copies

thread_local int inside = 0;  // operators being computed: the copies of their own making are not the user's
struct Inside {
  Inside() { ++inside; }
  ~Inside() { --inside; }
};

bool is_part(const at::Tensor& tensor) {
  return tensor.is_privateuseone() && tensor.numel() * tensor.itemsize() < tensor.storage().nbytes();
}

void move(const at::Tensor& from, const at::Tensor& to) {
  at::NoGradGuard no_grad;
  host(to).copy_(host(from));
}

at::Tensor copy_from(const at::Tensor& self, const at::Tensor& to, bool) {
  if (inside) {
    move(self, to);
    return to;
  }
  check_alive();
  const bool from_device = self.is_privateuseone(), to_device = to.is_privateuseone();
  count(from_device ? (to_device ? "d2d" : "d2h") : "h2d");
  count("aten::_copy_from");
  due(from_device ? (to_device ? "copy d2d" : "copy d2h") : "copy h2d");
  if (from_device && !to_device) work_off();
  if (has("buffer_writes") && is_part(to)) return to;  // the write into a part of a buffer is lost
  if (has("device_copies") && from_device && to_device && to.numel()) {
    at::NoGradGuard no_grad;  // half of it arrives
    auto target = host(to), source = host(self).to(to.scalar_type()).expand_as(target).clone(at::MemoryFormat::Contiguous);
    source.view(-1).slice(0, source.numel() / 2).zero_();
    target.copy_(source);
    return to;
  }
  move(self, to);
  return to;
}

at::Tensor copy_from_and_resize(const at::Tensor& self, const at::Tensor& to) {
  if (to.sizes() != self.sizes()) at::native::resize_output(to, self.sizes());
  return copy_from(self, to, false);
}

at::Scalar local_scalar_dense(const at::Tensor& self) {
  check_alive();
  if (!inside) count("item"), work_off();
  count("aten::_local_scalar_dense");
  return host(self).item();
}

// ------------------------------------------------------------------------------------------------------ operators

std::string name_of(const c10::OperatorHandle& op) {
  const auto& name = op.operator_name();
  return name.overload_name.empty() ? name.name : name.name + "." + name.overload_name;
}

template <class F>
void each_tensor(const c10::IValue& value, F&& use) {
  if (value.isTensor()) {
    if (value.toTensor().defined()) use(value.toTensor());
  } else if (value.isTensorList()) {
    for (const at::Tensor& tensor : value.toTensorVector())
      if (tensor.defined()) use(tensor);
  } else if (value.isOptionalTensorList()) {
    for (const auto& tensor : value.toOptionalTensorVector())
      if (tensor.has_value() && tensor->defined()) use(*tensor);
  }
}

// torch's fallback would take tensors of two devices in silence; a true device does not.
void check_places(const std::string& name, const std::vector<c10::IValue>& arguments) {
  bool device = false, cpu = false;
  for (const auto& argument : arguments)
    each_tensor(argument, [&](const at::Tensor& tensor) {
      device |= tensor.is_privateuseone();
      cpu |= tensor.is_cpu() && tensor.dim() > 0;
      if (tensor.is_privateuseone()) check_type(tensor.scalar_type());
    });
  TORCH_CHECK(
      !(device && cpu), "Expected all tensors to be on the same device, but found at least two devices, ",
      "privateuseone:0 and cpu! (when checking arguments of ", name, ")");
}

void warn_of_fallback(const std::string& name) {
  count("fallback");
  TORCH_WARN(
      "The operator '", name, "' is not currently supported on the DML backend and will fall back to run on the CPU. ",
      "This may have performance implications.");
}

void spoil(const at::Tensor& tensor, const std::string& how) {
  if (!tensor.is_privateuseone() || !tensor.is_floating_point()) return;
  at::NoGradGuard no_grad;
  auto values = host(tensor);
  if (how == "zero") values.zero_();
  if (how.rfind("skew", 0) == 0) values.mul_(how.size() > 5 ? std::stod(how.substr(5)) : 1.01);
  if (how == "nan") values.fill_(std::nan(""));
}

bool starts(const std::string& text, const char* with) { return text.rfind(with, 0) == 0; }

// Arithmetic of two types in which the operand that is cast has fewer dimensions.
bool is_mixed(const std::string& name, const std::vector<c10::IValue>& arguments) {
  if (!(starts(name, "aten::mul.") || starts(name, "aten::add.") || starts(name, "aten::sub.") || starts(name, "aten::div.")))
    return false;
  if (!arguments[0].isTensor() || !arguments[1].isTensor()) return false;
  const auto &a = arguments[0].toTensor(), &b = arguments[1].toTensor();
  if (a.scalar_type() == b.scalar_type() || !a.is_privateuseone() || !b.is_privateuseone()) return false;
  const auto& cast = a.is_floating_point() ? b : a;
  const auto& other = a.is_floating_point() ? a : b;
  return cast.dim() < other.dim();
}

// Known wrong numbers of the true library, where it was told to have them: applied to what an operator gave.
void apply_quirks(
    const std::string& name, const std::vector<c10::IValue>& arguments, const std::vector<at::Tensor>& results) {
  auto all = [&](const char* how) {
    for (const auto& result : results) spoil(result, how);
  };
  if (has("cross_entropy_none") && name == "aten::nll_loss_backward.grad_input" && arguments[4].toInt() == 0) all("zero");
  if (has("cdist") && starts(name, "aten::_cdist_forward") && arguments[0].toTensor().dim() == 2) all("skew:2");
  if (has("eye") && starts(name, "aten::eye.")) all("zero");
  if (has("mixed_dtypes") && is_mixed(name, arguments)) {
    at::NoGradGuard no_grad;
    for (const auto& result : results) host(result).fill_(1);
  }
}

// The true library takes x.var() for the variance of a population.
void apply_quirks_before(const std::string& name, torch::jit::Stack* stack, size_t first) {
  if (!has("population_variance") || !starts(name, "aten::var.correction")) return;
  auto dims = (*stack)[first + 1];
  if (dims.isNone() || (dims.isIntList() && dims.toIntVector().empty())) (*stack)[first + 2] = c10::Scalar(0);
}

// Batch normalisation writes its running statistics into two of its arguments, of which its schema says nothing: torch's
// fallback would write them into copies of its own.
struct RunningStatistics {
  std::vector<std::pair<at::Tensor, at::Tensor>> kept;  // on the host, now and before
  RunningStatistics(const std::string& name, torch::jit::Stack* stack, size_t first) {
    if (!starts(name, "aten::native_batch_norm") || name.find("backward") != std::string::npos) return;
    for (size_t k : {first + 3, first + 4}) {
      auto& argument = (*stack)[k];
      if (!argument.isTensor() || !argument.toTensor().is_privateuseone()) continue;
      auto there = host(argument.toTensor());
      if (has("batch_norm_running")) kept.emplace_back(there, there.clone());
      argument = there;
    }
  }
  void restore() {
    for (auto& [there, before] : kept) there.copy_(before);
  }
};

void operate(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const auto name = name_of(op);
  const auto& schema = op.schema();
  const size_t first = stack->size() - schema.arguments().size();
  const std::vector<c10::IValue> arguments(stack->begin() + first, stack->end());
  std::vector<std::string> wrong;
  if (!inside) {
    count(name);
    wrong = due(name);
    check_places(name, arguments);
    if (!native_ops.count(name)) warn_of_fallback(name);
  }
  apply_quirks_before(name, stack, first);
  if (has("buffer_writes") && !inside && (starts(name, "aten::fill_") || starts(name, "aten::zero_")) &&
      is_part(arguments[0].toTensor())) {  // the write into a part of a buffer is lost
    stack->erase(stack->begin() + first, stack->end());
    stack->push_back(arguments[0]);
    return;
  }
  RunningStatistics running(name, stack, first);
  {
    Inside guard;
    at::native::cpu_fallback(op, stack);
  }
  running.restore();
  std::vector<at::Tensor> results;
  for (size_t k = stack->size() - schema.returns().size(); k < stack->size(); ++k)
    each_tensor((*stack)[k], [&](const at::Tensor& tensor) { results.push_back(tensor); });
  for (const auto& how : wrong)
    for (const auto& result : results) spoil(result, how);
  if (!inside) apply_quirks(name, arguments, results);
}

// ------------------------------------------------------------------------------------- operators with ways of their own

at::Tensor rsub(const at::Tensor& self, const at::Scalar& other, const at::Scalar& alpha) {
  count("aten::rsub.Scalar");
  due("aten::rsub.Scalar");
  if (other.isFloatingPoint()) check_type(at::kDouble);  // 1.0 - x; 1 - x works
  return at::sub(at::full_like(self, other), self, alpha);
}

at::Tensor full(
    at::IntArrayRef size, const at::Scalar& value, std::optional<at::ScalarType> type, std::optional<at::Layout> layout,
    std::optional<at::Device> device, std::optional<bool> pinned) {
  count("aten::full");
  due("aten::full");
  if (value.isFloatingPoint()) check_type(at::kDouble);
  auto chosen = type.has_value() ? *type : (value.isBoolean() ? at::kBool : at::kLong);
  return empty(size, chosen, layout, device, pinned, std::nullopt).fill_(value);
}

at::Tensor multiply(const at::Tensor& self, const at::Tensor& other) {
  const bool with_bool = (self.scalar_type() == at::kBool && other.is_floating_point()) ||
                         (other.scalar_type() == at::kBool && self.is_floating_point());
  auto product = at::compositeexplicitautogradnonfunctional::mul(self, other);
  return has("bool_product") && with_bool ? product.to(at::kBool) : product;
}

at::Tensor convolution(
    const at::Tensor& X, const at::Tensor& W, const std::optional<at::Tensor>& B, at::IntArrayRef stride,
    at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed, at::IntArrayRef output_padding, int64_t groups) {
  count("aten::convolution_overrideable");
  auto wrong = due("aten::convolution_overrideable");
  std::optional<at::Tensor> bias;
  if (B.has_value() && B->defined()) bias = host(*B);
  at::Tensor result;
  {
    Inside guard;
    result = at::convolution(host(X), host(W), bias, stride, padding, dilation, transposed, output_padding, groups)
                 .to(X.device());
  }
  for (const auto& how : wrong) spoil(result, how);
  return result;
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> convolution_backward(
    const at::Tensor& dY, const at::Tensor& X, const at::Tensor& W, at::IntArrayRef stride, at::IntArrayRef padding,
    at::IntArrayRef dilation, bool transposed, at::IntArrayRef output_padding, int64_t groups, std::array<bool, 3> mask) {
  count("aten::convolution_backward_overrideable");
  auto wrong = due("aten::convolution_backward_overrideable");
  std::vector<int64_t> bias{transposed ? W.size(1) * groups : W.size(0)};
  std::vector<at::Tensor> moved;
  {
    Inside guard;
    auto [dX, dW, dB] = at::convolution_backward(
        host(dY), host(X), host(W), at::OptionalIntArrayRef(bias), stride, padding, dilation, transposed, output_padding,
        groups, mask);
    for (const auto& gradient : {dX, dW, dB}) moved.push_back(gradient.defined() ? gradient.to(dY.device()) : gradient);
  }
  for (const auto& how : wrong)
    for (const auto& gradient : moved)
      if (gradient.defined()) spoil(gradient, how);
  return {moved[0], moved[1], moved[2]};
}

void refuse(const c10::OperatorHandle& op, torch::jit::Stack*) {
  TORCH_CHECK(false, "The DML backend does not support ", op.operator_name().name, ".");
}

// -------------------------------------------------------------------------------------------------------- one device

struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return DML; }
  c10::Device exchangeDevice(c10::Device) const override { return c10::Device(DML, 0); }
  c10::Device getDevice() const override { return c10::Device(DML, 0); }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device device) const noexcept override { return c10::Stream(c10::Stream::DEFAULT, device); }
  c10::Stream getDefaultStream(c10::Device device) const override { return c10::Stream(c10::Stream::DEFAULT, device); }
  c10::Stream exchangeStream(c10::Stream stream) const noexcept override { return stream; }
  c10::DeviceIndex deviceCount() const noexcept override { return static_cast<c10::DeviceIndex>(device_count); }
  void destroyEvent(void*, const c10::DeviceIndex) const noexcept override {}
};
C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard);

struct Hooks final : at::PrivateUse1HooksInterface {
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  bool isAvailable() const { return true; }
  bool isBuilt() const { return true; }
};

TORCH_LIBRARY_IMPL(_, PrivateUse1, library) { library.fallback(torch::CppFunction::makeFromBoxedFunction<&operate>()); }

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("empty.memory_format", empty);
  library.impl("empty_strided", empty_strided);
  library.impl("as_strided", TORCH_FN(at::native::as_strided_tensorimpl));
  library.impl("view", TORCH_FN(at::native::view));
  library.impl("unfold", TORCH_FN(at::native::unfold));  // a view too: torch 2.4.1 writes what it repeats through it
  library.impl("_reshape_alias", TORCH_FN(at::native::_reshape_alias));
  library.impl("resize_", resize);
  library.impl("set_.source_Storage_storage_offset", set_storage);
  library.impl("set_.source_Storage", set_whole_storage);
  library.impl("_copy_from", copy_from);
  library.impl("_copy_from_and_resize", copy_from_and_resize);
  library.impl("_local_scalar_dense", local_scalar_dense);
  library.impl("rsub.Scalar", rsub);
  library.impl("full", full);
  library.impl("mul.Tensor", multiply);
  library.impl("convolution_overrideable", convolution);
  library.impl("convolution_backward_overrideable", convolution_backward);
  for (const char* name : {"one_hot", "lstm.input", "gru.input"})
    library.impl(name, torch::CppFunction::makeFromBoxedFunction<&refuse>());
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, at);)
    if (!part.empty()) parts.push_back(part);
  return parts;
}

Fault fault_of(const std::string& text) {  // OP@N=KIND:TEXT, or OP@=N=KIND:TEXT for that call alone
  Fault fault{text.substr(0, text.find_first_of("@=")), 1, false, "", ""};
  auto rest = text.substr(fault.op.size());
  if (rest[0] == '@') {
    fault.once = rest[1] == '=';
    size_t used = 0;
    fault.from = std::stol(rest.substr(fault.once ? 2 : 1), &used);
    rest = rest.substr((fault.once ? 2 : 1) + used);
  }
  auto colon = rest.find(':');
  fault.kind = rest.substr(1, colon == std::string::npos ? std::string::npos : colon - 1);
  if (colon != std::string::npos) fault.text = rest.substr(colon + 1);
  return fault;
}

}  // namespace

extern "C" void simulated_configure(const char* native, const char* told, const char* log, int devices) {
  static Hooks hooks;
  at::RegisterPrivateUse1HooksInterface(&hooks);
  c10::register_privateuse1_backend("privateuseone");
  std::ifstream list(native);
  for (std::string line; std::getline(list, line);) native_ops.insert(line);
  device_count = devices;
  for (const auto& text : split(told, '\n')) {
    if (starts(text, "quirk=")) quirks.insert(text.substr(6));
    else if (text.find("::") != std::string::npos || starts(text, "any") || starts(text, "copy ")) faults.push_back(fault_of(text));
  }
  open_log(log);
}
